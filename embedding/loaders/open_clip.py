"""Reads SigLIP checkpoints of OpenCLIP into the model of Hugging Face transformers.

Such a checkpoint has a file `open_clip_config.json`. Its picture tower is a ViT of timm with an
attention pool, and its text tower OpenCLIP's transformer with a linear projection of the last
token. The names of the weights differ, and transformers keeps query, key and value apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file
from transformers import SiglipConfig, SiglipModel

CONFIG = "open_clip_config.json"

WEIGHTS = ("open_clip_model.safetensors", "model.safetensors")
"""Names of the file of weights; the first one that exists is read."""

VISION = re.compile(r"vit_base_patch16_siglip_\d+|vit_large_patch16_siglip_(256|384)")
"""Names in timm of the picture towers that are supported. Others have another activation function,
or another pooling."""

WRAPPER = "model."
"""Prefix of all names in a checkpoint that was saved from a wrapper of the model."""

NAMES = (
    (r"visual\.trunk\.patch_embed\.proj\.", "vision_model.embeddings.patch_embedding."),
    (r"visual\.trunk\.pos_embed$", "vision_model.embeddings.position_embedding.weight"),
    (r"visual\.trunk\.norm\.", "vision_model.post_layernorm."),
    (r"visual\.trunk\.blocks\.", "vision_model.encoder.layers."),
    (r"visual\.trunk\.attn_pool\.latent$", "vision_model.head.probe"),
    (r"visual\.trunk\.attn_pool\.proj\.", "vision_model.head.attention.out_proj."),
    (r"visual\.trunk\.attn_pool\.norm\.", "vision_model.head.layernorm."),
    (r"visual\.trunk\.attn_pool\.mlp\.", "vision_model.head.mlp."),
    (r"text\.positional_embedding$", "text_model.embeddings.position_embedding.weight"),
    (r"text\.token_embedding\.", "text_model.embeddings.token_embedding."),
    (r"text\.ln_final\.", "text_model.final_layer_norm."),
    (r"text\.text_projection\.", "text_model.head."),
    (r"text\.transformer\.resblocks\.", "text_model.encoder.layers."),
    (r"(layers\.\d+\.)(?:norm|ln_)([12])\.", r"\1layer_norm\2."),
    (r"(layers\.\d+\.)attn\.(?:out_)?proj\.", r"\1self_attn.out_proj."),
    (r"(layers\.\d+\.mlp\.)c_fc\.", r"\1fc1."),
    (r"(layers\.\d+\.mlp\.)c_proj\.", r"\1fc2."),
)
"""Patterns of OpenCLIP's names, and those of transformers; applied in this order."""

JOINED = re.compile(r"(.*layers\.\d+\.)attn\.(?:qkv\.|in_proj_)(weight|bias)")
"""Names of query, key and value in one matrix."""

POOL = re.compile(r"visual\.trunk\.attn_pool\.(q|kv)\.(weight|bias)")


def is_open_clip(folder: Path) -> bool:
    """Whether a folder has a checkpoint of OpenCLIP."""
    return (folder / CONFIG).is_file()


def read_config(folder: Path) -> dict[str, Any]:
    """The configuration of a checkpoint."""
    config: dict[str, Any] = json.loads((folder / CONFIG).read_text())
    return config


def read_model(folder: Path) -> SiglipModel:
    """The model with its weights.

    Raises:
        FileNotFoundError, KeyError, ValueError, RuntimeError: it is no SigLIP, or is incomplete.
    """
    file = next((it for name in WEIGHTS if (it := folder / name).is_file()), None)
    if file is None:
        raise FileNotFoundError(f"none of {', '.join(WEIGHTS)} is there")
    weights = dict(_converted(load_file(file)))
    model = SiglipModel(_siglip_config(read_config(folder)["model_cfg"], weights))
    missing, unexpected = model.load_state_dict(weights, strict=False)
    wrong = [*(set(missing) - {"logit_scale", "logit_bias"}), *unexpected]
    if wrong:
        raise ValueError(f"it is no SigLIP: {', '.join(sorted(wrong)[:3])}")
    return model


def _siglip_config(config: dict[str, Any], weights: dict[str, torch.Tensor]) -> SiglipConfig:
    """The configuration for transformers; sizes that OpenCLIP takes from timm are those of the
    weights."""
    text, timm_model = config["text_cfg"], config["vision_cfg"]["timm_model_name"]
    patches = weights["vision_model.embeddings.patch_embedding.weight"]
    positions = weights["vision_model.embeddings.position_embedding.weight"]
    words = weights["text_model.embeddings.token_embedding.weight"]
    patch = patches.shape[-1]
    if not VISION.fullmatch(timm_model):
        raise ValueError(f"the picture tower {timm_model} is not supported")
    if len(patches) != words.shape[1]:
        # The number of heads is known of the text tower alone. All SigLIPs have equal ones.
        raise ValueError("it is no SigLIP: its towers have different widths")
    is_tanh = text.get("act_kwargs", {}).get("approximate") == "tanh"
    sizes: dict[str, dict[str, Any]] = {
        "text": {
            "hidden_act": "gelu_pytorch_tanh" if is_tanh else "gelu",
            "vocab_size": len(words),
            "hidden_size": words.shape[1],
            "projection_size": len(weights["text_model.head.weight"]),
            "num_attention_heads": text["heads"],
            "max_position_embeddings": text["context_length"],
            # By default, they are of a larger vocabulary. The model does not use them.
            "bos_token_id": None,
            "eos_token_id": None,
        },
        "vision": {
            "hidden_act": "gelu",
            "hidden_size": len(patches),
            "num_attention_heads": text["heads"],
            "image_size": round(len(positions) ** 0.5) * patch,
            "patch_size": patch,
        },
    }
    for tower, values in sizes.items():
        prefix = f"{tower}_model.encoder.layers."
        layers = {name.split(".")[3] for name in weights if name.startswith(prefix)}
        values["num_hidden_layers"] = len(layers)
        values["intermediate_size"] = len(weights[f"{prefix}0.mlp.fc1.weight"])
    return SiglipConfig(text_config=sizes["text"], vision_config=sizes["vision"])


def _converted(weights: dict[str, torch.Tensor]) -> Iterator[tuple[str, torch.Tensor]]:
    pool: dict[str, torch.Tensor] = {}
    for full_name, tensor in weights.items():
        name = full_name.removeprefix(WRAPPER)
        if name in ("logit_scale", "logit_bias"):
            continue
        if match := POOL.fullmatch(name):
            pool["_".join(match.groups())] = tensor
            continue
        for pattern, replacement in NAMES:
            name = re.sub(pattern, replacement, name)
        if match := JOINED.fullmatch(name):
            for part, piece in zip("qkv", tensor.chunk(3), strict=True):
                yield f"{match[1]}self_attn.{part}_proj.{match[2]}", piece
        elif name.endswith("position_embedding.weight"):
            yield name, tensor.reshape(-1, tensor.shape[-1])
        else:
            yield name, tensor
    for kind in ("weight", "bias"):
        joined = torch.cat([pool[f"q_{kind}"], pool[f"kv_{kind}"]])
        yield f"vision_model.head.attention.in_proj_{kind}", joined
