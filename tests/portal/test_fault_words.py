"""Every fault has a sentence for the operator; the log keeps its code and what the machine said."""

import re
from pathlib import Path

import pytest

from gpujobs import errands, faults, hosts, looking
from gpujobs.faults import Fault
from gpujobs.ssh import errors
from portal.fault_words import FAULTS, in_words

CODES = {fault.code for fault in vars(faults).values() if isinstance(fault, Fault)}
SSH = {name for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, errors.SshError)}
# Written where they are raised or returned.
SAID = {
    code
    for module in (errands, hosts, looking)
    for code in re.findall(r'code="(\w+)"|return "(\w+)" if', Path(module.__file__).read_text())
    for code in code
    if code
}


@pytest.mark.parametrize("code", sorted(CODES | SSH | SAID | {hosts.RESTARTED, errands.BROKEN_OFF, "not_allowed"}))
def test_each_has_a_sentence(code):
    assert str(in_words(code)).endswith((".", ")"))
    assert re.search("[가-힣]", str(FAULTS[code]))


def test_no_sentence_is_without_a_fault():
    assert set(FAULTS) == CODES | SSH | SAID | {hosts.RESTARTED, errands.BROKEN_OFF, "not_allowed", "host_problem"}


def test_a_code_that_nobody_knows_stays_as_it_is():
    assert in_words("of_tomorrow") == "of_tomorrow"
