import pytest
from django.core.exceptions import ValidationError

from providers.names import validate_factory_name, validate_name


@pytest.mark.parametrize("name", ["gpt-4", "org/model@1", "通义千问", "Google Cloud", "é"])
def test_it_takes_names_of_every_script(name):
    validate_name(name)


@pytest.mark.parametrize(
    "name", ["", " a", "a ", "a\nb", "a\x00b", "a\u200bb", "a\u202eb", "a\u2028b", "a\ud800"]
)
def test_it_refuses_what_does_not_show(name):
    with pytest.raises(ValidationError):
        validate_name(name)


@pytest.mark.parametrize("name", ["a@b", "a/b", "a\tb"])
def test_a_factory_name_has_no_separator(name):
    with pytest.raises(ValidationError):
        validate_factory_name(name)
