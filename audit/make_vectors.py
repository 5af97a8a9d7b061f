#!/usr/bin/env python3
"""Writes audit/vectors/*.json from the specifications, standard library only.

Nothing here is shared with the Rust crate or with verify.py: roots and proofs come from
the recursive definitions of RFC 6962 section 2.1, signatures from the reference
algorithm of RFC 8032. Run it from anywhere; the files must not change.
"""
import base64
import hashlib
import json
import os

HERE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "vectors")
ORIGIN = "strongroom.example/audit"


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def b64(data):
    return base64.b64encode(data).decode()


# ---- RFC 6962 section 2.1, word for word ---------------------------------------------


def split(n):
    k = 1
    while k * 2 < n:
        k *= 2
    return k


def mth(d):
    if not d:
        return sha()
    if len(d) == 1:
        return sha(b"\x00", d[0])
    k = split(len(d))
    return sha(b"\x01", mth(d[:k]), mth(d[k:]))


def path(m, d):
    if len(d) == 1:
        return []
    k = split(len(d))
    if m < k:
        return path(m, d[:k]) + [mth(d[k:])]
    return path(m - k, d[k:]) + [mth(d[:k])]


def subproof(m, d, whole):
    if m == len(d):
        return [] if whole else [mth(d)]
    k = split(len(d))
    if m <= k:
        return subproof(m, d[:k], whole) + [mth(d[k:])]
    return subproof(m - k, d[k:], False) + [mth(d[:k])]


# ---- Ed25519 signing, RFC 8032 section 5.1, affine and slow --------------------------

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P


def edwards(a, b):
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    x = (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P
    return x, y


def scalar(point, n):
    total = (0, 1)
    for bit in bin(n)[2:]:
        total = edwards(total, total)
        if bit == "1":
            total = edwards(total, point)
    return total


def base_point():
    y = 4 * pow(5, -1, P) % P
    xx = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(xx, (P + 3) // 8, P)
    if (x * x - xx) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x if x % 2 == 0 else P - x), y


B = base_point()


def encode(point):
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def little(data):
    return int.from_bytes(data, "little")


def keys(seed):
    h = hashlib.sha512(seed).digest()
    a = (little(h[:32]) & ((1 << 254) - 8)) | 1 << 254
    return a, h[32:], encode(scalar(B, a))


def sign(seed, message):
    a, prefix, public = keys(seed)
    r = little(hashlib.sha512(prefix + message).digest()) % L
    big_r = encode(scalar(B, r))
    k = little(hashlib.sha512(big_r + public + message).digest()) % L
    return big_r + ((r + k * a) % L).to_bytes(32, "little")


# ---- notes ---------------------------------------------------------------------------


def key_id(name, kind, public):
    return sha(name.encode(), b"\n", bytes([kind]), public)[:4]


def vkey(name, kind, seed):
    public = keys(seed)[2]
    return "%s+%s+%s" % (name, key_id(name, kind, public).hex(), b64(bytes([kind]) + public))


def line(name, kind, seed, blob):
    return "\u2014 %s %s\n" % (name, b64(key_id(name, kind, keys(seed)[2]) + blob))


def body(size, root):
    return "%s\n%d\n%s\n" % (ORIGIN, size, b64(root))


def checkpoint(seed, size, root):
    text = body(size, root)
    return text + "\n" + line(ORIGIN, 1, seed, sign(seed, text.encode()))


def cosignature(name, seed, time, text):
    message = "cosignature/v1\ntime %d\n%s" % (time, text)
    return line(name, 4, seed, time.to_bytes(8, "big") + sign(seed, message.encode()))


# ---- entries and tiles ---------------------------------------------------------------


def entry(n):
    fields = {
        "v": 1,
        "time": "2026-03-01T10:%02d:%02dZ" % (n // 60 % 60, n % 60),
        "actor": "person/%d" % (n % 5),
        "action": "output.release",
        "object": "output/%d" % n,
    }
    if n % 3:
        fields["project"] = "project/%d" % (n % 3)
    fields["policy_sha256"] = {"access": sha(b"access").hex(), "disclosure": sha(b"disclosure").hex()}
    fields["details"] = {"cells": n, "lane": "exact", "votes": ["person/1", "person/2"]}
    fields["commitments"] = {"statement": sha(bytes([n % 256]) * 32, b"select %d" % n).hex()}
    return json.dumps(fields, separators=(",", ":"), ensure_ascii=False).encode()


def tile_name(kind, index, width):
    groups = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    name = "tile/%s/%s" % (kind, "/".join(groups))
    return name if width == 256 else "%s.p/%d" % (name, width)


def log_files(entries):
    """Every file that C2SP tlog-tiles wants for these entries, by the formal definition."""
    files = {}
    n = len(entries)
    for index in range((n + 255) // 256):
        part = entries[index * 256 : (index + 1) * 256]
        bundle = b"".join(len(e).to_bytes(2, "big") + e for e in part)
        files[tile_name("entries", index, len(part))] = bundle
    level, span = 0, 1
    while n >= span:
        count = n // span
        for index in range((count + 255) // 256):
            width = min(256, count - index * 256)
            starts = [(index * 256 + i) * span for i in range(width)]
            files[tile_name(level, index, width)] = b"".join(mth(entries[s : s + span]) for s in starts)
        level, span = level + 1, span * 256
    return files


def write(name, value):
    with open(os.path.join(HERE, name), "w", encoding="utf-8") as file:
        json.dump(value, file, indent=1, ensure_ascii=False)
        file.write("\n")


def main():
    os.makedirs(HERE, exist_ok=True)
    log_seed, w1, w2 = sha(b"log seed"), sha(b"witness 1 seed"), sha(b"witness 2 seed")

    leaves = [b"leaf %d" % i * (i % 4) for i in range(12)]
    write(
        "tree.json",
        {
            "what": "Roots, inclusion proofs and consistency proofs of small trees",
            "leaves_hex": [d.hex() for d in leaves],
            "root_hex_by_size": [mth(leaves[:n]).hex() for n in range(len(leaves) + 1)],
            "inclusion": [
                {"index": i, "size": n, "proof_hex": [h.hex() for h in path(i, leaves[:n])]}
                for n in range(1, 13)
                for i in range(n)
            ],
            "consistency": [
                {"old": m, "new": n, "proof_hex": [h.hex() for h in subproof(m, leaves[:n], True)]}
                for n in range(1, 13)
                for m in range(1, n + 1)
            ],
        },
    )

    write(
        "entry.json",
        {
            "what": "Bytes of entries, their leaf hashes, and salted commitments",
            "entries": [{"n": n, "utf8": entry(n).decode(), "leaf_hex": sha(b"\0", entry(n)).hex()} for n in range(8)],
            "refused_utf8": [
                entry(1).decode().replace('"v":1', '"v":2'),
                entry(1).decode().replace('"v":1,', ""),
                entry(1).decode().replace('"actor":', '"actors":'),
                entry(1).decode().replace("person/1", "Person One"),
                entry(1).decode().replace("10:00:01Z", "10:00:01"),
                entry(1).decode().replace("2026-03", "2026-13"),
                entry(1).decode().replace("exact", "free text"),
                entry(1).decode().replace(sha(b"access").hex(), "00"),
                entry(1).decode().replace('"lane"', '"cells":1,"lane"'),
                entry(1).decode().replace('{"statement"', '{"statement":"%s","statement"' % sha(b"").hex()),
                entry(1).decode()[:-1],
                entry(1).decode() + "x",
            ],
            "commitments": [
                {"salt_hex": s.hex(), "bytes_hex": d.hex(), "sha256_hex": sha(s, d).hex()}
                for s, d in [(bytes(32), b""), (sha(b"salt"), b"select 1"), (b"\xff" * 32, bytes(100))]
            ],
        },
    )

    entries = [entry(n) for n in range(300)]
    signed = {n: checkpoint(log_seed, n, mth(entries[:n])) for n in (0, 1, 5, 256, 300)}
    cosigned = (
        signed[300]
        + cosignature("witness.example/one", w1, 1772359200, body(300, mth(entries)))
        + cosignature("witness.example/two", w2, 1772359201, body(300, mth(entries)))
    )
    write(
        "note.json",
        {
            "what": "Keys, signed checkpoints and cosignatures; the seeds are for tests only",
            "log": {"name": ORIGIN, "seed_hex": log_seed.hex(), "vkey": vkey(ORIGIN, 1, log_seed)},
            "witnesses": [
                {"name": name, "seed_hex": seed.hex(), "time": time, "vkey": vkey(name, 4, seed)}
                for name, seed, time in [
                    ("witness.example/one", w1, 1772359200),
                    ("witness.example/two", w2, 1772359201),
                ]
            ],
            "checkpoints": [
                {"size": n, "root_hex": mth(entries[:n]).hex(), "signed": text} for n, text in signed.items()
            ],
            "cosigned": cosigned,
        },
    )

    write(
        "log.json",
        {
            "what": "Every file of logs of entries 0..n-1 (entry.json shows the rule): SHA-256 of each",
            "logs": [
                {"size": n, "files": {p: sha(d).hex() for p, d in sorted(log_files(entries[:n]).items())}}
                for n in (0, 1, 5, 255, 256, 257, 300)
            ],
        },
    )

    write(
        "proof.json",
        {
            "what": "tlog-proof@v1 files for entries of the log of 300, cosigned by both witnesses",
            "proofs": [
                {
                    "index": i,
                    "proof": "c2sp.org/tlog-proof@v1\nindex %d\n%s\n%s"
                    % (i, "".join(b64(h) + "\n" for h in path(i, entries)), cosigned),
                }
                for i in (0, 1, 255, 256, 299)
            ],
        },
    )


if __name__ == "__main__":
    main()
