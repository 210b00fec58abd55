"""`promisekeeper assess` answers offline, in three formats, and says what it cannot read."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from markupsafe import escape
from typer import Typer
from typer.testing import CliRunner, Result

from cli.assess import assess_command
from settings import ROOT
from tests.domain.conversion.word_file import paragraph, word_file, words

OLD = "# Gnomes\n\nWe never share your data with advertisers.\n\nWe recieve <b>letters</b>.\n"
NEW = "# Gnomes\n\nWe may share your data with advertisers.\n\nWe receive <b>letters</b>.\n"
MOVER = "Carol from the front desk reads the letters that come on Monday."
STAY = "Fernhill keeps its books in order and answers letters of every kind."
GERMAN = (
    "Wir speichern Ihre Daten {days} Tage lang und löschen sie danach vollständig.",
    "Auf Anfrage erhalten Sie eine Kopie aller Angaben, die wir über Sie haben.",
    "Unsere Mitarbeiter sind zur Verschwiegenheit verpflichtet.",
)


@pytest.fixture
def old(tmp_path: Path) -> Path:
    path = tmp_path / "1.md"
    path.write_text(OLD)
    return path


@pytest.fixture
def new(tmp_path: Path) -> Path:
    path = tmp_path / "2.md"
    path.write_text(f'+++\ntitle = "Gnome Club"\n+++\n{NEW}')
    return path


def run(*arguments: object) -> Result:
    app = Typer()
    app.command()(assess_command)
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def test_text_names_the_verdict_the_finding_and_what_was_cleared(old: Path, new: Path) -> None:
    """P2: flagged with the rule, the quoted evidence and a plain sentence."""
    result = run(old, new)
    assert result.exit_code == 0
    assert "Material adverse change" in result.output
    assert "We [-never-]{+may+} share your data with advertisers." in result.output
    assert "promise.reversed.allowed" in result.output
    assert "typing correction: We receive" in result.output


def test_text_counts_lines_as_the_file_does(old: Path, new: Path) -> None:
    assert "(old line 3, new line 6)" in run(old, new).output


def test_a_terminal_shows_in_colour_what_the_words_say_too(old: Path, new: Path) -> None:
    app = Typer()
    app.command()(assess_command)
    terminal = {"FORCE_COLOR": "1", "TERM": "xterm-256color"}
    shown = CliRunner(env=terminal).invoke(app, [str(old), str(new)]).output
    assert "\x1b[31m[-never-]\x1b[0m" in shown
    assert "\x1b" not in run(old, new).output


def test_json_is_the_contract(old: Path, new: Path) -> None:
    written = json.loads(run(old, new, "--format", "json").stdout)
    assert written["verdict"] == "material_adverse"
    assert written["findings"][0]["before"] == "We never share your data with advertisers."


def test_html_escapes_the_policy_and_marks_the_words(old: Path, new: Path) -> None:
    page = run(old, new, "--format", "html").stdout
    assert "<del>never</del>" in page
    assert "<ins>may</ins>" in page
    assert "&lt;b&gt;letters&lt;/b&gt;" in page
    assert "<b>letters" not in page
    assert "<script" not in page


def page_of(tmp_path: Path, before: str, after: str, output_format: str = "html") -> str:
    for name, text in (("before.md", before), ("after.md", after)):
        (tmp_path / name).write_text(text, "utf-8")
    result = run(tmp_path / "before.md", tmp_path / "after.md", "--format", output_format)
    assert result.exit_code == 0
    return result.stdout


@pytest.mark.parametrize("output_format", ["text", "html"])
def test_how_sure_is_told_as_the_record_of_the_rule(tmp_path: Path, output_format: str) -> None:
    """P2: measured, and nothing is said of a rule without a record."""
    told = r"this rule was right \d+ of \d+ times on changes read by people"
    longer = page_of(
        tmp_path, "We keep data for 3 days.", "We keep data for 9 days.", output_format
    )
    assert re.search(told, longer)
    sooner = "We answer requests within 9 days.", "We answer requests within 3 days."
    assert "this rule was right" not in page_of(tmp_path, *sooner, output_format)


@pytest.mark.parametrize("output_format", ["text", "html"])
def test_where_it_is_written_that_a_change_matters_stands_in_words(
    old: Path, new: Path, output_format: str
) -> None:
    shown = run(old, new, "--format", output_format).stdout
    assert "Colorado 4 CCR 904-3 Rule 6.04: the act of sharing" in shown
    assert "colorado.6.04" not in shown


@pytest.mark.parametrize("output_format", ["text", "html"])
def test_what_shows_a_change_harmless_is_explained(
    old: Path, new: Path, output_format: str
) -> None:
    assert "only a slip of typing" in run(old, new, "--format", output_format).stdout


def test_the_sentence_that_a_finding_quotes_is_marked_and_leads_to_it(tmp_path: Path) -> None:
    page = page_of(
        tmp_path,
        f"{STAY} We never share your data with advertisers.",
        f"{STAY} We may share your data with advertisers.",
    )
    mark = "<mark>We <ins>may</ins> share your data with advertisers.</mark>"
    assert f'{STAY} {mark}<a class="quoted" href="#F1">F1</a>' in page
    assert page.count('id="F1"') == 1


def test_every_link_of_the_page_leads_somewhere(tmp_path: Path) -> None:
    """The contents lead to the findings; what moved to where it was, and back."""
    page = page_of(
        tmp_path,
        f"# One\n\n{MOVER}\n\n{STAY}\n\n# Two\n\nWe keep data for 30 days.\n",
        f"# One\n\n{STAY}\n\n# Two\n\nWe keep data for 90 days.\n\n{MOVER}\n",
    )
    links = set(re.findall(r'href="#([^"]+)"', page))
    assert links <= set(re.findall(r'id="([^"]+)"', page))
    assert {"F1", "change-2", "change-2-before"} <= links
    assert page.index('id="change-2-before"') < page.index('id="change-1"')
    assert page.count(f"<p>{MOVER}</p>") == 3


def test_the_page_runs_nothing_and_loads_nothing(tmp_path: Path) -> None:
    """Names and words of the texts are escaped, in the title as well."""
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)>"
    page = page_of(
        tmp_path,
        f"# {evil}\n\n## {evil} here\n\nWe never sell data {evil}.\n",
        f'+++\ntitle = "{evil}"\n+++\n# {evil}\n\n## {evil} here\n\nWe sell data {evil}.\n',
    )
    assert "&lt;script&gt;" in page
    assert not re.search(
        r"<(script|img|link|iframe|form)|<[a-z][^>]*\s(style|src|on\w+)=|url\(|@import", page
    )
    assert "default-src 'none'" in page


@pytest.mark.slow
def test_the_same_texts_make_the_same_bytes() -> None:
    """In every process: no order of a set, no date."""
    sample = ROOT / "policy_versions" / "privacy-policy"
    program = "import sys\nfrom cli.main import app\napp()"
    pages = [
        subprocess.run(
            [
                sys.executable,
                "-c",
                program,
                "assess",
                sample / "1.md",
                sample / "2.md",
                "--format",
                "html",
            ],
            cwd=ROOT,
            capture_output=True,
            check=True,
            env={"PYTHONHASHSEED": seed},
        ).stdout
        for seed in ("1", "2", "3")
    ]
    assert len(set(pages)) == 1


@pytest.mark.parametrize("output_format", ["text", "html"])
def test_of_another_language_it_is_said_what_works_and_a_person_reads_it(
    tmp_path: Path, output_format: str
) -> None:
    """Moves and figures are shown; nothing is called adverse."""
    keeps, copies, silent = GERMAN
    shown = page_of(
        tmp_path,
        "\n\n".join([keeps.format(days=30), copies, silent]),
        "\n\n".join([silent, keeps.format(days=90), copies]),
        output_format,
    )
    assert "not in English" in shown
    assert "30 gone; 90 new" in shown
    assert "Moved" in shown
    assert "Needs review" in shown
    assert "adverse, material" not in shown


def test_of_english_nothing_is_said_about_languages(old: Path, new: Path) -> None:
    assert "not in English" not in run(old, new).stdout


def test_identical_texts_make_a_page_that_says_so(old: Path) -> None:
    page = run(old, old, "--format", "html").stdout
    assert "Identical: the two texts are the same." in page
    assert "No clause differs." in page


def test_a_file_that_is_not_there_is_named(old: Path, tmp_path: Path) -> None:
    result = run(old, tmp_path / "nowhere.md")
    assert result.exit_code == 2
    assert "nowhere.md: no such file" in result.stderr


def test_a_word_file_is_compared_and_what_it_lost_is_said(old: Path, tmp_path: Path) -> None:
    """Standard output stays what it was: the losses go to the standard error."""
    path = tmp_path / "2.docx"
    path.write_bytes(
        word_file(
            paragraph(words("We may share your data with advertisers.")),
            paragraph(words("We kept it.", "<w:vanish/>")),
        )
    )
    lost = '1 hidden passage was left out: "We kept it.".'
    result = run(old, path, "--format", "json")
    told = json.loads(result.stdout)
    assert told["verdict"] == "material_adverse"
    assert told["left_out"] == {"before": [], "after": [lost]}
    assert f"<li>{escape(lost)}</li>" in run(old, path, "--format", "html").stdout
    assert result.stderr == f"{path}: read as Markdown.\n  {lost}\n"
    assert "(old line 3)" in run(old, path).stdout


def test_markdown_loads_nothing_that_converts(old: Path, new: Path) -> None:
    program = (
        "import sys\nfrom cli.main import app\n"
        "try:\n    app()\nfinally:\n"
        "    print(sorted({'mammoth', 'lxml', 'xml'} & {*sys.modules}), file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, "assess", str(old), str(new)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stderr.strip() == "[]"


def test_a_refused_file_says_why(old: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.md").write_bytes(b"Caf\xe9")
    result = run(tmp_path / "bad.md", old)
    assert result.exit_code == 2
    assert "not UTF-8" in result.stderr
    assert result.stdout == ""
