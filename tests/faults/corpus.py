"""What should be sent nowhere: texts for every field, bodies, and files for every reader."""

import base64
import struct
import zlib
from collections.abc import Mapping

TRAP = "trap()"  # what no page may run
SPELT_OUT = "zq" * 9  # what a template that was filled in would show
INJECTED = "x-injected"  # a header that nobody may set

TEXTS: Mapping[str, bytes] = {
    "nothing": b"",
    "blank": b" \t ",
    "nul": b"cat\x00dog",
    "escape": b"\x1b[31mcat",
    "bidi override": "cat\u202egod".encode(),
    "bidi isolate": "\u2066cat\u2069".encode(),
    "zero width": "c\u200ba\u200dt\ufeff".encode(),
    "line ends": f"cat\r\n{INJECTED}: 1\r\n\r\n<script>{TRAP}</script>".encode(),
    "unicode line ends": f"cat\u2028\u2029\u0085{INJECTED}: 1".encode(),
    "path up": b"../../../../etc/passwd",
    "path up, encoded": b"..%2f..%2f..%2fetc%2fpasswd",
    "path up, twice encoded": b"%252e%252e%252fetc%252fpasswd",
    "path up, backslashes": b"..\\..\\windows\\win.ini",
    "absolute path": b"/proc/self/environ",
    "file address": b"file:///etc/passwd",
    "inner address": b"http://169.254.169.254/latest/meta-data/",
    "other host": b"//evil.example/",
    "jinja": b"{{ 'zq' * 9 }}{% for x in ().__class__.__base__.__subclasses__() %}{{ x }}{% endfor %}",
    "format": b"{0.__class__.__init__.__globals__} {subject} %s %n %(x)s ${'zq'*9}",
    "shell": b"$(touch x) `id`; cat /etc/passwd | sh &&",
    "sql": b"'; DROP TABLE pictures; -- \" OR 1=1 /*",
    "like": b"%_\\%",
    "script": f"<script>{TRAP}</script>".encode(),
    "closed script": f"</script></title></textarea></style><script>{TRAP}</script>".encode(),
    "attribute": f"\"'><img src=x onerror={TRAP}>".encode(),
    "svg": f"<svg/onload={TRAP}><animate onbegin={TRAP} attributeName=x></svg>".encode(),
    "handler": f'" autofocus onfocus="{TRAP}" x="'.encode(),
    "address": f"javascript:{TRAP}".encode(),
    "data": f"data:text/html,<script>{TRAP}</script>".encode(),
    "htmx": f'<b data-hx-on:click="{TRAP}" hx-on:load="{TRAP}" hx-get="/admin">x</b>'.encode(),
    "json in html": f'","x":"</script><script>{TRAP}</script>'.encode(),
    "xml": b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]><x>&e;</x>',
    "xml end": b"]]></title></entry></feed>",
    "formula": b'=cmd|"/c calc"!A1',
    "log lines": b'cat\n{"event":"forged","level":"error"}',
    "huge number": b"9" * 5000,
    "negative": b"-1",
    "not a number": b"nan",
    "exponent": b"1e400",
    "hexadecimal": b"0x7fffffffffffffff",
    "64 bits": b"9223372036854775808",
    "other digits": "٣١٤".encode(),
    "long": b"c" * 15_000,
    "combining": ("c" + "\u0301" * 180).encode(),
    "astral": "🦊".encode() * 60,
    "noncharacter": "\uffff\ufffe".encode(),
    "case that grows": "ﬃŉİ".encode() * 60,
    "invalid utf-8": b"\xff\xfe\x80cat",
    "overlong utf-8": b"\xc0\xaf\xc0\xae",
    "surrogate": b"\xed\xa0\x80",
    "cursor": base64.urlsafe_b64encode(b'[1e308, "x"]'),
    "deep cursor": base64.urlsafe_b64encode(b"[" * 1100),
    "deeper cursor": base64.urlsafe_b64encode(b"[" * 9000),
    "id": b"0" * 32,
    "prototype": b"__proto__",
}

JSON_VALUES: Mapping[str, bytes] = {
    "null": b"null",
    "true": b"true",
    "number": b"7",
    "negative": b"-1",
    "huge": b"9" * 4000,
    "infinite": b"1e999",
    "nan": b"NaN",
    "list": b'["cat"]',
    "object": b'{"$ne": null}',
    "deep list": b"[" * 5000 + b"]" * 5000,
    "deep object": b'{"a":' * 5000 + b"1" + b"}" * 5000,
    "lone surrogate": b'"\\ud800"',
    "nul": b'"\\u0000"',
    "twice": b'"cat", "subject": "owl"',
}

BODIES: Mapping[str, bytes] = {
    "nothing": b"",
    "no json": b"{",
    "bytes": bytes(range(256)),
    "deep": b"[" * 30_000,
    "deep objects": b'{"a":' * 10_000,
    "utf-16": '{"subject": "cat"}'.encode("utf-16"),
    "many fields": b"&".join(b"f%d=1" % number for number in range(2000)),
    "semicolons": b"a;b;c" * 1000,
    "half an escape": b"subject=%&seed=%f",
    "multipart": b'--x\r\nContent-Disposition: form-data; name="subject"\r\n\r\ncat\r\n--x--\r\n',
    "too large": b"x" * 70_000,
    "bomb": zlib.compress(b"0" * 1_000_000),
}

CONTENT_TYPES = (
    b"",
    b"application/json",
    b"application/x-www-form-urlencoded",
    b"application/json; charset=utf-7",
    b"application/x-www-form-urlencoded; charset=utf-16",
    b"multipart/form-data; boundary=x",
    b"multipart/form-data",
    b"text/html",
    b"application/xml",
    b"\xff\xfe",
)


def chunk(kind: bytes, data: bytes) -> bytes:
    """Of a PNG file, with its checksum."""
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(width: int, height: int, *chunks: bytes, rows: bytes | None = None) -> bytes:
    """A grey PNG file that says it is so large, with more `chunks`; `rows` unless its own are meant."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    data = (b"\0" + b"\x80" * width) * height if rows is None else rows
    parts = (chunk(b"IHDR", header), *chunks, chunk(b"IDAT", zlib.compress(data, 9)), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pngs() -> Mapping[str, bytes]:
    """Files that call themselves PNG."""
    sound = png(64, 64)
    bomb = zlib.compress(b"0" * 50_000_000, 9)
    deep = b"strikebox\0\0\0\0\0" + b"[" * 100_000
    numbers = b'strikebox\0\0\0\0\0{"seed": ' + b"9" * 5000 + b"}"
    return {
        "pixel bomb": png(60_000, 60_000, rows=b""),
        "pixel bomb, under the limit of libraries": png(13_000, 13_000, rows=b""),
        "many pixels in a small file": png(20_000, 6_000, rows=b"\0" * 20_001 * 6_000),
        "no pixels": png(0, 0),
        "more pixels than there are": png(2**31 - 1, 1, rows=b""),
        "zTXt bomb": png(64, 64, chunk(b"zTXt", b"parameters\0\0" + bomb)),
        "iTXt bomb": png(64, 64, chunk(b"iTXt", b"strikebox\0\1\0\0\0" + bomb)),
        "many text chunks": png(64, 64, *[chunk(b"tEXt", b"k\0" + b"v" * 1000)] * 5000),
        "iCCP bomb": png(64, 64, chunk(b"iCCP", b"x\0\0" + bomb)),
        "deep json": png(64, 64, chunk(b"iTXt", deep)),
        "huge number": png(64, 64, chunk(b"iTXt", numbers)),
        "json of another shape": png(64, 64, chunk(b"iTXt", b'strikebox\0\0\0\0\0["x", {"recipe": 7}]')),
        "text that is no utf-8": png(64, 64, chunk(b"iTXt", b"strikebox\0\0\0\0\0\xff\xfe")),
        "markup in text": png(
            64, 64, chunk(b"iTXt", b'strikebox\0\0\0\0\0{"subject": "\\u001b[31m\\n\\u202e"}')
        ),
        "false manifest": png(64, 64, chunk(b"caBX", b"\0\0\0\x10jumb" + bytes(range(200)))),
        "huge manifest": png(64, 64, chunk(b"caBX", b"\xff" * 2_000_000)),
        "wrong checksum": sound[:-20] + b"\0" * 20,
        "length beyond the end": sound[:33] + b"\xff\xff\xff\xff" + sound[37:],
        "no end": sound[:-12],
        "half": sound[: len(sound) // 2],
        "signature alone": sound[:8],
        "header alone": sound[:33],
        "animated": png(64, 64, chunk(b"acTL", struct.pack(">II", 2**31 - 1, 0))),
        "a page": b"\x89PNG\r\n\x1a\n<script>trap()</script>",
        "another format": b"GIF89a" + b"\xff" * 100,
        "postscript": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) (r) file",
        "nothing": b"",
    }


def tomls() -> Mapping[str, bytes]:
    """Files that call themselves recipes."""
    start = b'title = "T"\n[[pass]]\nkind = "text-to-image"\nsteps = 2\nguidance = 1.0\nprompt = '
    return {
        "nothing": b"",
        "nul": b'title = "\x00"',
        "invalid utf-8": b'title = "\xff\xfe"',
        "utf-16": 'title = "T"'.encode("utf-16"),
        "deep lists": b"a = " + b"[" * 50_000,
        "deep tables": b"[" + b".".join([b"a"] * 2000) + b"]\n",
        "deep keys": b".".join([b"a"] * 2000) + b" = 1\n",
        "deep inline tables": b"a = " + b"{a = " * 20_000,
        "huge number": b"a = " + b"9" * 5000,
        "infinite": start.replace(b"1.0", b"inf") + b'"{subject}"\n',
        "nan": start.replace(b"1.0", b"nan") + b'"{subject}"\n',
        "huge steps": start.replace(b"= 2", b"= " + b"9" * 30) + b'"{subject}"\n',
        "negative steps": start.replace(b"= 2", b"= -2") + b'"{subject}"\n',
        "format": start + b'"{subject.__class__.__init__.__globals__}"\n',
        "jinja": start + b'"{{ subject }} {% x %}"\n',
        "bidi": start + '"{subject} \u202e"\n'.encode(),
        "long": start + b'"{subject} ' + b"x" * 2_000_000 + b'"\n',
        "many passes": start + b'"{subject}"\n' + (b'[[pass]]\nkind = "edit"\n' * 5000),
        "path for a name": b'title = "../../etc/passwd"\n',
        "binary": bytes(range(256)),
    }


def loras() -> Mapping[str, bytes]:
    """Files that call themselves LoRAs: eight bytes of length, JSON, tensors."""

    def file(header: bytes, rest: bytes = b"", length: int | None = None) -> bytes:
        return struct.pack("<Q", len(header) if length is None else length) + header + rest

    tensor = b'{"x.lora_A.weight": {"dtype": "F32", "shape": %s, "data_offsets": %s}}'
    return {
        "nothing": b"",
        "seven bytes": b"\0" * 7,
        "endless header": file(b"{}", length=2**63),
        "longer than the file": file(b"{}", length=1000),
        "no json": file(b"{"),
        "deep json": file(b'{"a":' * 50_000),
        "deep lists": file(b"[" * 50_000),
        "invalid utf-8": file(b'{"\xff": 1}'),
        "huge number": file(tensor % (b"[" + b"9" * 5000 + b"]", b"[0, 4]")),
        "huge shape": file(tensor % (b"[4294967296, 4294967296]", b"[0, 4]"), b"\0" * 4),
        "negative shape": file(tensor % (b"[-1]", b"[0, 4]"), b"\0" * 4),
        "offsets beyond the end": file(tensor % (b"[1]", b"[0, 999999999]"), b"\0" * 4),
        "offsets backwards": file(tensor % (b"[1]", b"[4, 0]"), b"\0" * 4),
        "another shape of json": file(b'["x"]'),
        "tensor that is none": file(b'{"x.lora_A.weight": 7, "__metadata__": [1]}'),
        "a pickle": b"\x80\x04\x8c\x05posix\x8c\x06system\x93\x8c\x02id\x85R.",
    }
