"""Writes the folder of a fine-tuned model: weights, registry entry, curves and a short report."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

from embedding.errors import UserFacingError
from embedding.finetuning.errors import unwritable
from embedding.finetuning.fit import FineTuning, Outcome
from embedding.registry import ModelSpec, write_entry

CURVES = "curves.png"


def tuned_spec(base: ModelSpec, name: str) -> ModelSpec:
    """The entry of a model that is fine-tuned from `base`; its checkpoint is the entry's folder."""
    return replace(
        base,
        name=name,
        label=f"{base.label}, fine-tuned ({name})",
        summary=f"{base.label}, fine-tuned on this shop's products.",
        checkpoint="./",
        revision="",
    )


def save_model(tuning: FineTuning, spec: ModelSpec, outcome: Outcome, folder: Path) -> Path:
    """Write the model to `folder`, which appears only when it is complete; returns its entry.

    Raises:
        FineTuningError: the disk is full.
    """
    part = tuning.run.folder / "model"
    shutil.rmtree(part, ignore_errors=True)
    part.mkdir(parents=True)
    try:
        tuning.towers.save(part)
        write_entry(spec, part / f"{spec.name}.toml")
        curves = tuning.run.folder / CURVES
        if curves.is_file():
            shutil.copyfile(curves, part / CURVES)
        (part / "README.md").write_text(report(spec, outcome), encoding="utf-8")
        for path in part.rglob("*"):  # safetensors writes files that only their owner can read
            path.chmod(0o755 if path.is_dir() else 0o644)
        part.rename(folder)
    except UserFacingError:
        raise
    except Exception as error:  # safetensors has its own type for a full disk
        shutil.rmtree(part, ignore_errors=True)
        raise unwritable(folder, error) from error
    return folder / f"{spec.name}.toml"


def report(spec: ModelSpec, outcome: Outcome) -> str:
    """The run in Markdown."""
    lines = [
        f"# {spec.label}",
        "",
        f"Licence of the base: {spec.licence}. Epoch {outcome.epoch} of"
        f" {len(outcome.history) - 1}, with {outcome.share:.2f} of its weights and"
        f" {1 - outcome.share:.2f} of the base's.",
        "",
        f"Held-out products before: {outcome.before}.",
        f"Held-out products after: {outcome.after}.",
        "",
        "| epoch | loss | products for validation |",
        "|---:|---:|---|",
    ]
    for epoch, entry in enumerate(outcome.history):
        loss = "" if entry.loss is None else f"{entry.loss:.3f}"
        lines.append(f"| {epoch} | {loss} | {entry.figures} |")
    return "\n".join(lines) + "\n"
