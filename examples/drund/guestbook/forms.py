"""The form that signs the guestbook."""

from django import forms

from guestbook.models import Entry
from guestbook.people import subdomain_for


class EntryForm(forms.ModelForm):
    """A name and a message; the person's subdomain follows from the name."""

    class Meta:
        model = Entry
        fields = ("name", "message")
        labels = {"name": "Your name", "message": "Your message"}
        widgets = {
            "name": forms.TextInput(attrs={"autocomplete": "name", "placeholder": "Ada Lovelace"}),
            "message": forms.Textarea(attrs={"rows": 2, "placeholder": "What brings you here?"}),
        }

    def clean_name(self) -> str:
        """Refuse a name that has no place among the subdomains."""
        name = self.cleaned_data["name"]
        self.instance.person = subdomain_for(name)
        return name
