"""The licence ids that the Hub knows, in groups that a person filters by.

Source of the ids: huggingface.co/docs/hub/repositories-licenses.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class LicenceGroup(StrEnum):
    PERMISSIVE = "permissive"
    COPYLEFT = "copyleft"
    NON_COMMERCIAL = "non-commercial"
    CUSTOM = "custom"  # has terms of its own, to be read
    NONE = "none"  # nothing is stated


_PERMISSIVE = """
    apache-2.0 mit afl-3.0 artistic-2.0 bsl-1.0 bsd bsd-2-clause bsd-3-clause bsd-3-clause-clear cc cc0-1.0
    cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0 cdla-permissive-1.0 cdla-permissive-2.0 wtfpl ecl-2.0 etalab-2.0 isc
    ms-pl odc-by openmdw-1.0 postgresql ofl-1.1 ncsa unlicense zlib pddl c-uda
"""
_COPYLEFT = """
    cc-by-sa-3.0 cc-by-sa-4.0 cdla-sharing-1.0 epl-1.0 epl-2.0 eupl-1.1 eupl-1.2 agpl-3.0 gfdl gpl gpl-2.0 gpl-3.0
    lgpl lgpl-2.1 lgpl-3.0 lgpl-lr lppl-1.3c mpl-2.0 odbl osl-3.0
"""
_NON_COMMERCIAL = """
    cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0 cc-by-nc-nd-3.0 cc-by-nc-nd-4.0 cc-by-nc-sa-2.0 cc-by-nc-sa-3.0
    cc-by-nc-sa-4.0 h-research intel-research apple-amlr fair-noncommercial-research-license deepfloyd-if-license
"""
_CUSTOM = """
    openrail openrail++ bigscience-openrail-m creativeml-openrail-m bigscience-bloom-rail-1.0 bigcode-openrail-m
    cc-by-nd-4.0 apple-ascl llama2 llama3 llama3.1 llama3.2 llama3.3 llama4 grok2-community gemma unknown other
"""

LICENCES: Final[dict[str, LicenceGroup]] = {
    licence: group
    for group, ids in (
        (LicenceGroup.PERMISSIVE, _PERMISSIVE),
        (LicenceGroup.COPYLEFT, _COPYLEFT),
        (LicenceGroup.NON_COMMERCIAL, _NON_COMMERCIAL),
        (LicenceGroup.CUSTOM, _CUSTOM),
    )
    for licence in ids.split()
}


def group_of(licence: str) -> LicenceGroup:
    """The group of a licence id as a card states it; what the list does not know has terms of its own."""
    if not licence:
        return LicenceGroup.NONE
    return LICENCES.get(licence.lower(), LicenceGroup.CUSTOM)


def licences_in(group: LicenceGroup) -> list[str]:
    """The known ids of a group, in their usual order."""
    return [licence for licence, its_group in LICENCES.items() if its_group is group]
