"""Emptied tables get back what the migrations brought, whatever order the tests run in."""

import pytest
from django.core.management import call_command

from orders.models import ConsentText


@pytest.mark.django_db(transaction=True)
def test_emptied_tables_have_the_first_words_of_consent_again():
    call_command("flush", interactive=False, verbosity=0)
    assert set(ConsentText.objects.values_list("made_for", "version")) == {("deceased", 1), ("living", 1)}
