"""Loads SigLIP and SigLIP 2 checkpoints, in the layout of transformers or of OpenCLIP.

A text is padded on the right to the full length that the model was trained with, since the text
tower reads the last position and has no attention mask.
"""

from __future__ import annotations

import json
import shutil
import string
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from transformers import AutoImageProcessor, SiglipModel
from transformers.models.siglip.image_processing_pil_siglip import SiglipImageProcessorPil

from embedding.checkpoints import download_checkpoint, load_checkpoint
from embedding.encoder import unread_share
from embedding.loaders.half_precision import half_precision
from embedding.loaders.image_processor import split_processor
from embedding.loaders.open_clip import is_open_clip, read_config, read_model
from embedding.loaders.torch_encoder import TorchEncoder, check_dimensions
from embedding.registry import ModelSpec

SPACES = str.maketrans({"_": " "} | dict.fromkeys(set(string.punctuation) - {"_"}, ""))


class SiglipEncoder(TorchEncoder):
    """Encodes texts and pictures with a `SiglipModel`.

    Args:
        single: always use single precision, for training.
    """

    def __init__(self, spec: ModelSpec, device: str, folder: Path, *, single: bool = False) -> None:
        super().__init__(spec, device)
        if is_open_clip(folder):
            config = read_config(folder)
            model, processor = read_model(folder), _processor(config["preprocess_cfg"], folder)
            # What OpenCLIP calls so is how all texts for SigLIP (1) were cleaned.
            cleaning = config["model_cfg"]["text_cfg"].get("tokenizer_kwargs", {}).get("clean")
            self._drops_punctuation = cleaning == "canonicalize"
        else:
            model = SiglipModel.from_pretrained(
                folder, use_safetensors=True, trust_remote_code=False, local_files_only=True
            )
            processor = AutoImageProcessor.from_pretrained(
                folder, trust_remote_code=False, local_files_only=True
            )
            self._drops_punctuation = _tokenizer_config(folder).get("tokenizer_class") in (
                "SiglipTokenizer",
                "SiglipTokenizerFast",
            )
        self._processor = processor
        self.preparation, self._normalise = split_processor(processor, self.device)
        if self.preparation is None:
            raise ValueError("its image processor is none of SigLIP")
        self._tokenizer = _tokenizer(folder, _context_length(model))
        dtype = None if single else half_precision(model, self.device)
        self._model = model.eval().to(self.device, dtype)

    def unread_share(self, text: str) -> float:
        """See `Encoder.unread_share`."""
        encoding = self._tokenizer.encode(self._clean(text))
        tokens = [
            token
            for token, special in zip(encoding.tokens, encoding.special_tokens_mask, strict=True)
            if not special or token == UNKNOWN
        ]
        return unread_share(tokens, UNKNOWN)

    def _embed_texts(self, texts: list[str]) -> torch.Tensor:
        encodings = self._tokenizer.encode_batch([self._clean(text) for text in texts])
        ids = torch.tensor([each.ids for each in encodings], device=self.device)
        return _vectors(self._model.get_text_features(input_ids=ids))

    def _embed_pixels(self, pixels: torch.Tensor) -> torch.Tensor:
        values = self._normalise(pixels).to(self._model.dtype)
        return _vectors(self._model.get_image_features(pixel_values=values))

    def _clean(self, text: str) -> str:
        """The text as the model's texts were cleaned in training."""
        text = text.lower()
        return " ".join(text.translate(SPACES).split()) if self._drops_punctuation else text

    def save(self, base: Path, folder: Path) -> None:
        """Write a checkpoint in the layout of transformers, with the tokenizer in `base`."""
        self._model.save_pretrained(folder)
        self._processor.save_pretrained(folder)
        shutil.copyfile(base / "tokenizer.json", folder / "tokenizer.json")
        name = "SiglipTokenizer" if self._drops_punctuation else "GemmaTokenizer"
        config = _tokenizer_config(base) | {"tokenizer_class": name}
        (folder / "tokenizer_config.json").write_text(json.dumps(config, indent=2))


UNKNOWN = "<unk>"
"""The token for what the vocabulary does not have."""


def build(spec: ModelSpec, device: str, folder: Path) -> SiglipEncoder:
    """See `embedding.loaders.checkpoint.build`."""
    return check_dimensions(SiglipEncoder(spec, device, folder))


def load(spec: ModelSpec, device: str) -> SiglipEncoder:
    """See `load_checkpoint`."""
    return load_checkpoint(spec, device, build)


def download(spec: ModelSpec, device: str) -> SiglipEncoder:
    """See `download_checkpoint`."""
    return download_checkpoint(spec, device, build)


def _context_length(model: SiglipModel) -> int:
    """The number of tokens of every text."""
    return int(model.text_model.embeddings.position_embedding.num_embeddings)


def _vectors(output: Any) -> torch.Tensor:
    vectors: torch.Tensor = output if isinstance(output, torch.Tensor) else output.pooler_output
    return vectors


def _processor(config: dict[str, Any], folder: Path) -> SiglipImageProcessorPil:
    """The image processor that equals OpenCLIP's preprocessing."""
    if config.get("resize_mode") != "squash" or config.get("interpolation") != "bicubic":
        raise ValueError(f"{folder.name}: its pictures are resized as those of no SigLIP")
    size = config["size"]
    height, width = (size, size) if isinstance(size, int) else size
    return SiglipImageProcessorPil(
        size={"height": height, "width": width},
        resample=3,
        image_mean=config["mean"],
        image_std=config["std"],
    )


def _tokenizer(folder: Path, length: int) -> Tokenizer:
    """The tokenizer; texts become exactly `length` tokens."""
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    pad = _tokenizer_config(folder).get("pad_token") or "<pad>"
    pad = pad["content"] if isinstance(pad, dict) else pad
    pad_id = tokenizer.token_to_id(pad)
    if pad_id is None:
        raise ValueError(f"the tokenizer has no token {pad}")
    tokenizer.enable_truncation(length)
    tokenizer.enable_padding(length=length, pad_id=pad_id, pad_token=pad, direction="right")
    return tokenizer


def _tokenizer_config(folder: Path) -> dict[str, Any]:
    file = folder / "tokenizer_config.json"
    config: dict[str, Any] = json.loads(file.read_text()) if file.is_file() else {}
    return config
