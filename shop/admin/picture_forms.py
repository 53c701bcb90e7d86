"""Pictures in the form of a product: upload, order, delete."""

from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.utils.translation import gettext as _

from catalog.media.store import MAX_BYTES, Picture, check_and_store
from embedding.image_decoding import ImageError
from shop.models import ProductImage

MAX_UPLOADS = 20
"""The maximum number of pictures that one form adds."""


class _SeveralFiles(forms.ClearableFileInput):
    allow_multiple_selected = True


class PicturesField(forms.FileField):
    """Picture files, as a list. Their content is checked by `checked_pictures`."""

    def __init__(self, **options: Any) -> None:
        widget = _SeveralFiles(attrs={"accept": "image/*"})
        super().__init__(widget=widget, required=False, **options)

    def clean(self, data: Any, initial: Any = None) -> list[UploadedFile]:
        files = data if isinstance(data, list | tuple) else [data] if data else []
        if len(files) > MAX_UPLOADS:
            raise forms.ValidationError(
                _("These are %(count)s files; upload at most %(most)s at a time.")
                % {"count": len(files), "most": MAX_UPLOADS}
            )
        return [super(PicturesField, self).clean(file) for file in files]

    def has_changed(self, initial: Any, data: Any) -> bool:
        return bool(data)


def checked_pictures(files: list[UploadedFile]) -> list[Picture]:
    """Decode uploaded files and store them in the media folder.

    Raises:
        ValidationError: a file is not a picture or cannot be used; all such files are named.
    """
    pictures, problems = [], []
    for file in files:
        try:
            if (file.size or 0) > MAX_BYTES:
                raise ImageError(f"it is larger than {MAX_BYTES // 2**20} MB")
            pictures.append(check_and_store(file.read(), {}, store=True))
        except ImageError as error:
            problems.append(f"{file.name}: {error}")
        except OSError as error:
            problems.append(f"{file.name}: it cannot be stored ({error.strerror})")
    if problems:
        raise forms.ValidationError(problems)
    return pictures


class PictureForm(forms.ModelForm):
    """The place of a picture. The catalogue writes the rows, after the product is saved."""

    position = forms.IntegerField(
        label="order",
        min_value=0,
        max_value=10_000,
        required=False,
        widget=forms.NumberInput(attrs={"aria-label": "order"}),  # a table has no labels
    )

    class Meta:
        model = ProductImage
        fields = ("position",)


class PictureFormSet(forms.BaseInlineFormSet):
    """Collects what was changed and saves nothing itself; see `catalog.media.arrangement`."""

    def clean(self) -> None:
        """Refuse an order in which a fetched picture precedes one from a file."""
        if any(form.errors for form in self.forms):
            return
        places = self.places()
        kept = [form.instance for form in self.initial_forms if form not in self.deleted_forms]
        ordered = sorted(kept, key=lambda it: (places[it.pk], it.position))
        fetched = [bool(getattr(it, "url", None)) for it in ordered]
        if fetched != sorted(fetched):
            raise forms.ValidationError(
                _(
                    "Pictures that were fetched from addresses stay after those from files: give"
                    " them the highest numbers."
                )
            )

    def validate_unique(self) -> None:
        """Equal places keep the order that the pictures had."""

    def save(self, commit: bool = True) -> list[Any]:
        self.new_objects: list[Any] = []
        self.changed_objects = [
            (form.instance, form.changed_data) for form in self.initial_forms if form.has_changed()
        ]
        self.deleted_objects = [form.instance for form in self.deleted_forms]
        return []

    def add_fields(self, form: Any, index: int | None) -> None:
        super().add_fields(form, index)
        if "DELETE" in form.fields:
            form.fields["DELETE"].widget.attrs["aria-label"] = "delete"

    def places(self) -> dict[int, float]:
        """The wanted place of each picture, by its key. A moved picture precedes one that stayed at
        the same place."""
        found: dict[int, float] = {}
        for form in self.initial_forms:
            before: int = form.initial["position"]
            given = form.cleaned_data.get("position")
            place: int = before if given is None else given
            moved = 0.0 if place == before else 0.25 if place > before else -0.25
            found[form.instance.pk] = place + moved
        return found
