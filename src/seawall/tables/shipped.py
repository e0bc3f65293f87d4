"""Files that are shipped with the package, by folder and name: policies, scenarios, scripts of incidents."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from seawall.errors import InputError
from seawall.tables.keys import nearest


def library_names(folder: str) -> list[str]:
    """Names in a folder of the library, sorted."""
    found = (files("seawall") / "presets" / folder).iterdir()
    return sorted(entry.name.removesuffix(".toml") for entry in found if entry.name.endswith(".toml"))


def library_text(folder: str, name: str) -> str:
    """The TOML of one of them, as shipped."""
    return (files("seawall") / "presets" / folder / f"{name}.toml").read_text(encoding="utf-8")


def named_or_file(source: str | Path, folder: str, what: str, field: str) -> tuple[str, str]:
    """The TOML text that a name of the library or a file means, and where it is from, for errors.

    Raises:
        InputError: unknown name (the nearest is given), or a file that cannot be read.
    """
    name, known = str(source), library_names(folder)
    if name in known:
        return library_text(folder, name), f"{what} {name}"
    path = Path(source)
    if path.suffix == ".toml":
        try:
            return path.read_text(encoding="utf-8"), str(path)
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{what} file cannot be read", where=str(path), value=str(error)) from None
    alike = [n for n in known if name and name.lower() in n]
    expected = f"{nearest(name, alike or known)}, or a .toml file"
    raise InputError(f"no such {what}", field=field, value=name, expected=expected)
