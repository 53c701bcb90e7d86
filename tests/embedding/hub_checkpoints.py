"""Tiny checkpoints with random weights, in the layouts of the hub's models."""

import json
from pathlib import Path
from typing import Any

import torch
import transformers
from safetensors.torch import save_file
from tokenizers import Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer, Sequence, Split, WhitespaceSplit
from tokenizers.processors import TemplateProcessing

from tests.embedding.tiny_clip import build_tiny_clip

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789"
SIGLIP_TOKENS = 12
RESNET_WIDTHS = [8, 16, 24, 48]
SIDE = 32


def write_json(file: Path, content: Any) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(content))


def build_resnet(folder: Path) -> None:
    """Like `microsoft/resnet-50`: a classifier, and the image processor of ConvNeXt."""
    torch.manual_seed(0)
    config = transformers.ResNetConfig(
        embedding_size=8, hidden_sizes=RESNET_WIDTHS, depths=[1, 1, 1, 1]
    )
    transformers.ResNetForImageClassification(config).save_pretrained(folder)
    write_json(
        folder / "preprocessor_config.json",
        {
            "crop_pct": 0.875,
            "do_normalize": True,
            "do_resize": True,
            "feature_extractor_type": "ConvNextFeatureExtractor",
            "image_mean": [0.485, 0.456, 0.406],
            "image_std": [0.229, 0.224, 0.225],
            "resample": 3,
            "size": 224,
        },
    )


def build_siglip2(folder: Path) -> None:
    """Like `google/siglip2-base-patch16-224`: the tokenizer of Gemma, which keeps capitals."""
    torch.manual_seed(0)
    layers = {
        "hidden_size": 16,
        "intermediate_size": 32,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
    }
    vocabulary = {"<pad>": 0, "<eos>": 1, "<bos>": 2, "<unk>": 3}
    letters = LETTERS + LETTERS.upper()[:26]
    vocabulary |= {letter: place for place, letter in enumerate(letters, 4)}
    text = layers | {
        "vocab_size": len(vocabulary),
        "max_position_embeddings": SIGLIP_TOKENS,
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    }
    vision = layers | {"image_size": SIDE, "patch_size": 8}
    model = transformers.SiglipModel(
        transformers.SiglipConfig(text_config=text, vision_config=vision)
    )
    for weights in model.parameters():
        torch.nn.init.normal_(weights, std=0.7)
    model.save_pretrained(folder)
    tokenizer = Tokenizer(WordLevel(vocabulary, "<unk>"))
    tokenizer.pre_tokenizer = Sequence([WhitespaceSplit(), Split("", "isolated")])
    tokenizer.post_processor = TemplateProcessing(single="$A <eos>", special_tokens=[("<eos>", 1)])
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "GemmaTokenizer", "padding_side": "left", "pad_token": "<pad>"},
    )
    write_json(
        folder / "preprocessor_config.json",
        {
            "do_normalize": True,
            "do_rescale": True,
            "do_resize": True,
            "image_mean": [0.5, 0.5, 0.5],
            "image_std": [0.5, 0.5, 0.5],
            "image_processor_type": "SiglipImageProcessor",
            "processor_class": "SiglipProcessor",
            "resample": 2,
            "rescale_factor": 1 / 255,
            "size": {"height": SIDE, "width": SIDE},
        },
    )


def build_clip(folder: Path) -> None:
    """Like `sentence-transformers/clip-ViT-B-32`: the model of transformers in a subfolder."""
    build_tiny_clip(folder.parent)
    (folder.parent / "checkpoint").rename(folder.parent / "plain")
    folder.mkdir()
    (folder.parent / "plain").rename(folder / "0_CLIPModel")
    (folder.parent / "tiny.toml").unlink()
    write_json(
        folder / "modules.json",
        [
            {
                "idx": 0,
                "name": "0",
                "path": "0_CLIPModel",
                "type": "sentence_transformers.models.CLIPModel",
            }
        ],
    )


def build_multilingual(folder: Path, dimensions: int) -> None:
    """Like `sentence-transformers/clip-ViT-B-32-multilingual-v1`: DistilBERT, the mean of its
    tokens, and a linear map without bias."""
    torch.manual_seed(0)
    vocabulary = {"[PAD]": 0, "[UNK]": 1, "[CLS]": 2, "[SEP]": 3}
    vocabulary |= {letter: place for place, letter in enumerate(LETTERS, 4)}
    vocabulary |= {f"##{letter}": place for place, letter in enumerate(LETTERS, len(vocabulary))}
    transformers.DistilBertModel(
        transformers.DistilBertConfig(
            vocab_size=len(vocabulary), dim=24, hidden_dim=48, n_layers=2, n_heads=2
        )
    ).save_pretrained(folder)
    tokenizer = Tokenizer(WordPiece(vocabulary, unk_token="[UNK]"))
    tokenizer.normalizer = BertNormalizer(lowercase=False)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 2), ("[SEP]", 3)]
    )
    tokenizer.save(str(folder / "tokenizer.json"))
    write_json(
        folder / "tokenizer_config.json",
        {"tokenizer_class": "DistilBertTokenizer", "model_max_length": 128, "do_lower_case": False},
    )
    write_json(folder / "sentence_bert_config.json", {"max_seq_length": 128})
    write_json(
        folder / "1_Pooling" / "config.json",
        {"word_embedding_dimension": 24, "pooling_mode_mean_tokens": True},
    )
    write_json(
        folder / "2_Dense" / "config.json",
        {
            "in_features": 24,
            "out_features": dimensions,
            "bias": False,
            "activation_function": "torch.nn.modules.linear.Identity",
        },
    )
    save_file({"linear.weight": torch.randn(dimensions, 24)}, folder / "2_Dense/model.safetensors")
    kinds = {"": "Transformer", "1_Pooling": "Pooling", "2_Dense": "Dense"}
    write_json(
        folder / "modules.json",
        [
            {
                "idx": place,
                "name": str(place),
                "path": path,
                "type": f"sentence_transformers.models.{kind}",
            }
            for place, (path, kind) in enumerate(kinds.items())
        ],
    )
