"""A CLIP with a few thousand random weights in the Hugging Face format, for offline tests."""

from __future__ import annotations

import json
from pathlib import Path

import torch
import transformers  # which loads its models when they are named, for two seconds
from tokenizers.pre_tokenizers import ByteLevel

DIMENSIONS = 16
MAX_TOKENS = 24


def write_entry(folder: Path, **changes: object) -> None:
    """Write the registry entry `folder/tiny.toml` for a tiny CLIP in `folder/checkpoint`."""
    entry = {
        "name": "tiny",
        "label": "Tiny CLIP",
        "summary": "Nothing: its weights are random.",
        "loader": "checkpoint",
        "checkpoint": "checkpoint",
        "dimensions": DIMENSIONS,
        "modalities": ["text", "image"],
        "licence": "MIT",
    }
    # These values have the same syntax in JSON and in TOML.
    lines = (f"{field} = {json.dumps(value)}" for field, value in (entry | changes).items())
    (folder / "tiny.toml").write_text("\n".join(lines))


def build_tiny_clip(folder: Path) -> None:
    """Write `folder/checkpoint` and its registry entry."""
    write_entry(folder)
    processor(32, MAX_TOKENS).save_pretrained(folder / "checkpoint")
    _model().save_pretrained(folder / "checkpoint")


def processor(side: int, max_tokens: int) -> transformers.CLIPProcessor:
    """CLIP's image preprocessing for pictures of `side` pixels, and a byte-level tokenizer."""
    from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

    letters = sorted(ByteLevel.alphabet())  # its order is random in each process
    tokens = [
        *letters,
        *(f"{letter}</w>" for letter in letters),
        "<|startoftext|>",
        "<|endoftext|>",
    ]
    tokenizer = transformers.CLIPTokenizer(
        vocab={token: index for index, token in enumerate(tokens)}, model_max_length=max_tokens
    )
    images = CLIPImageProcessorPil(
        size={"shortest_edge": side}, crop_size={"height": side, "width": side}
    )
    return transformers.CLIPProcessor(images, tokenizer)


def _model() -> transformers.CLIPModel:
    torch.manual_seed(0)
    layers = {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    vocabulary = 2 * len(ByteLevel.alphabet()) + 2
    text = {
        **layers,
        "vocab_size": vocabulary,
        "max_position_embeddings": MAX_TOKENS,
        "bos_token_id": vocabulary - 2,
        "eos_token_id": vocabulary - 1,
    }
    vision = {**layers, "image_size": 32, "patch_size": 8}
    # With random weights of the default size, the vectors of all pictures are nearly equal.
    return transformers.CLIPModel(
        transformers.CLIPConfig(
            text_config={**text, "initializer_factor": 10.0},
            vision_config={**vision, "initializer_factor": 10.0},
            projection_dim=DIMENSIONS,
        )
    )
