"""Small Word files, written part by part."""

from io import BytesIO
from zipfile import ZIP_DEFLATED, ZipFile

W = 'xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
R = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
PACKAGE = "http://schemas.openxmlformats.org/package/2006"
MAIN = "application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"
TYPES = (
    f'<Types xmlns="{PACKAGE}/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    f'<Override PartName="/word/document.xml" ContentType="{MAIN}"/></Types>'
)
STYLES = "".join(
    f'<w:style w:type="paragraph" w:styleId="H{n}"><w:name w:val="heading {n}"/></w:style>'
    for n in (1, 2, 3)
)
CONTENTS_STYLE = '<w:style w:type="paragraph" w:styleId="T1"><w:name w:val="toc 1"/></w:style>'
NUMBERING = "".join(
    f'<w:abstractNum w:abstractNumId="{n}">'
    + "".join(f'<w:lvl w:ilvl="{i}"><w:numFmt w:val="{f}"/></w:lvl>' for i in range(3))
    + f'</w:abstractNum><w:num w:numId="{n}"><w:abstractNumId w:val="{n}"/></w:num>'
    for n, f in ((1, "bullet"), (2, "decimal"))
)


def words(text: str, properties: str = "") -> str:
    """A run."""
    return f'<w:r><w:rPr>{properties}</w:rPr><w:t xml:space="preserve">{text}</w:t></w:r>'


def paragraph(*runs: str, style: str = "", level: int | None = None, number: int = 1) -> str:
    """A paragraph; with `level` an item of the list `number`: 1 has bullets, 2 has numbers."""
    item = f'<w:numPr><w:ilvl w:val="{level}"/><w:numId w:val="{number}"/></w:numPr>'
    about = f'<w:pStyle w:val="{style}"/>' if style else ""
    about += item if level is not None else ""
    return f"<w:p><w:pPr>{about}</w:pPr>{''.join(runs)}</w:p>"


def table(*rows: tuple[str, ...]) -> str:
    """A table of plain words."""
    return f"<w:tbl>{''.join(_row(row) for row in rows)}</w:tbl>"


def _row(cells: tuple[str, ...]) -> str:
    return f"<w:tr>{''.join(f'<w:tc>{paragraph(words(c))}</w:tc>' for c in cells)}</w:tr>"


def word_file(*body: str, links: tuple[str, ...] = (), **parts: str | bytes) -> bytes:
    """A .docx; `links` are the targets of r1, r2 ...; `parts` are further files of `word/`."""
    targets = "".join(
        f'<Relationship Id="r{n}" Type="{R}/hyperlink" Target="{to}" TargetMode="External"/>'
        for n, to in enumerate(links, 1)
    )
    files: dict[str, str | bytes] = {
        "[Content_Types].xml": TYPES,
        "_rels/.rels": f'<Relationships xmlns="{PACKAGE}/relationships"><Relationship Id="d" '
        f'Type="{R}/officeDocument" Target="word/document.xml"/></Relationships>',
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{PACKAGE}/relationships">{targets}</Relationships>'
        ),
        "word/styles.xml": f"<w:styles {W}>{STYLES}{CONTENTS_STYLE}</w:styles>",
        "word/numbering.xml": f"<w:numbering {W}>{NUMBERING}</w:numbering>",
        "word/document.xml": (
            f'<w:document {W} xmlns:r="{R}"><w:body>{"".join(body)}</w:body></w:document>'
        ),
        **{f"word/{name.replace('__', '.')}": content for name, content in parts.items()},
    }
    stored = BytesIO()
    with ZipFile(stored, "w", ZIP_DEFLATED) as package:
        for name, content in files.items():
            package.writestr(name, content)
    return stored.getvalue()
