#!/usr/bin/env python3
"""Verifies a published Strongroom log. Python 3.8 or newer, standard library only.

    python3 verify.py LOG_FOLDER [--vkey KEY] [--remembered FILE]
                      [--witness KEY]... [--quorum N]
    python3 verify.py --proof FILE --entry FILE --vkey KEY [--witness KEY]... [--quorum N]

Prints {"verdict": "ok|bad", "size", "reason", "first_bad"} and exits 0 (ok), 1 (bad)
or 2 (could not run). Written from FORMAT.md apart from the Rust verifier, so that
one mistake is not made twice.
"""
import argparse
import base64
import binascii
import hashlib
import json
import os
import re
import sys

SIZE_MAX = 2**63 - 1
FILE_MAX = 256 * 65537
NOTE_MAX = 256 * 1024


class Bad(Exception):
    def __init__(self, reason, first_bad=None):
        super().__init__(reason)
        self.first_bad = first_bad


class Gone(Bad):
    """A superseded file that was removed after its folder was listed."""


# ---- Ed25519 (RFC 8032), verification only -------------------------------------------

P = 2**255 - 19
Q = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def add(a, b):
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(n, point):
    total = (0, 1, 1, 0)
    while n:
        if n & 1:
            total = add(total, point)
        point, n = add(point, point), n >> 1
    return total


def decode_point(data):
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & (2**255 - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT_OF_MINUS_1 % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return (x, y, 1, x * y % P)


def encode_point(point):
    inverse = pow(point[2], P - 2, P)
    x, y = point[0] * inverse % P, point[1] * inverse % P
    return (y | (x & 1) << 255).to_bytes(32, "little")


BASE = decode_point((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def ed25519_verifies(public, message, signature):
    point = decode_point(public)
    if point is None or len(signature) != 64:
        return False
    r, s = signature[:32], int.from_bytes(signature[32:], "little")
    if s >= Q:
        return False
    h = int.from_bytes(hashlib.sha512(r + public + message).digest(), "little") % Q
    minus = (P - point[0], point[1], point[2], P - point[3])
    return encode_point(add(times(s, BASE), times(h, minus))) == r


# ---- signed notes, keys, checkpoints -------------------------------------------------


def unbase64(text):
    """Standard alphabet, padded, canonical."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None


def plain_number(text):
    return int(text) if re.fullmatch(r"0|[1-9][0-9]{0,19}", text) else None


def is_key_name(name):
    control = lambda c: ord(c) < 32 or 127 <= ord(c) < 160
    return bool(name) and not any(c.isspace() or c == "+" or control(c) for c in name)


class Key:
    def __init__(self, text, kind):
        parts = text.split("+", 2)
        if len(parts) != 3 or not is_key_name(parts[0]):
            raise Bad("not a usable key: its form is name+id+key")
        self.name, key_id, material = parts[0], parts[1], unbase64(parts[2])
        if material is None or len(material) != 33 or material[0] != kind:
            raise Bad("not a usable key: its type or length is wrong")
        self.kind, self.public = kind, material[1:]
        self.id = hashlib.sha256(self.name.encode() + b"\n" + material).digest()[:4]
        if self.id.hex() != key_id:
            raise Bad("not a usable key: its key id does not match")


def parse_note(text):
    """Text and list of (name, key id, signature)."""
    if len(text.encode()) > NOTE_MAX:
        raise Bad("not a signed note: it is over 256 KiB")
    if any(ord(c) < 32 and c != "\n" for c in text):
        raise Bad("not a signed note: it holds a control character")
    body, blank, block = text.rpartition("\n\n")
    if not blank or not block.endswith("\n"):
        raise Bad("not a signed note: it has no signature block")
    signatures = []
    for line in block[:-1].split("\n"):
        name, space, blob = line[2:].partition(" ")
        blob = unbase64(blob)
        if line[:2] != "\u2014 " or not space or not is_key_name(name) or not blob or len(blob) < 5:
            raise Bad("not a signed note: a signature line is malformed")
        signatures.append((name, blob[:4], blob[4:]))
    if len(signatures) > 64:
        raise Bad("not a signed note: it has over 64 signatures")
    return body + "\n", signatures


def parse_checkpoint(text):
    """Origin, size and root."""
    lines = text.split("\n")
    if len(lines) < 4 or lines.pop() != "" or not all(lines):
        raise Bad("not a checkpoint: it is not three lines or more")
    if any(ord(c) < 32 for line in lines for c in line):
        raise Bad("not a checkpoint: it holds a control character")
    size, root = plain_number(lines[1]), unbase64(lines[2])
    if size is None or size > SIZE_MAX or root is None or len(root) != 32:
        raise Bad("not a checkpoint: its size or root is malformed")
    return lines[0], size, root


def signature_verifies(key, text, signature):
    if key.kind == 1:
        return ed25519_verifies(key.public, text.encode(), signature)
    if len(signature) != 72:
        return False
    time = int.from_bytes(signature[:8], "big")
    message = "cosignature/v1\ntime %d\n%s" % (time, text)
    return time <= SIZE_MAX and ed25519_verifies(key.public, message.encode(), signature[8:])


def open_checkpoint(signed, log_key, witnesses, quorum):
    text, signatures = parse_note(signed)
    checkpoint = parse_checkpoint(text)
    signed_by = set()
    for name, key_id, signature in signatures:
        for key in [log_key] + witnesses:
            if (name, key_id) == (key.name, key.id):
                if not signature_verifies(key, text, signature):
                    raise Bad("the signature under the key `%s` does not verify" % name)
                signed_by.add(key.public)
    if log_key.public not in signed_by:
        raise Bad("the checkpoint is not signed by the log's key")
    if log_key.name != checkpoint[0]:
        raise Bad("the checkpoint's origin is not the name of the log's key")
    have = len(signed_by) - 1
    if have < quorum:
        raise Bad("%d of the %d required witnesses cosigned" % (have, quorum))
    return checkpoint, have


# ---- the tree ------------------------------------------------------------------------


def leaf_hash(entry):
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left, right):
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """Roots of the complete subtrees, largest first."""

    def __init__(self):
        self.nodes = []
        self.size = 0

    def append(self, leaf):
        level = 0
        while self.size >> level & 1:
            leaf = node_hash(self.nodes.pop(), leaf)
            level += 1
        self.nodes.append(leaf)
        self.size += 1

    def root(self):
        if not self.nodes:
            return hashlib.sha256().digest()
        root = self.nodes[-1]
        for node in self.nodes[-2::-1]:
            root = node_hash(node, root)
        return root


def root_of(hashes):
    tree = Tree()
    for value in hashes:
        tree.append(value)
    return tree.root()


# ---- files ---------------------------------------------------------------------------


def tile_path(kind, index, width):
    groups = ["%03d" % (index % 1000)]
    while index >= 1000:
        index //= 1000
        groups.insert(0, "x%03d" % (index % 1000))
    path = "tile/%s/%s" % (kind, "/".join(groups))
    return path if width == 256 else "%s.p/%d" % (path, width)


class Log:
    def __init__(self, folder):
        self.folder = folder

    def read(self, path):
        place = os.path.join(self.folder, *path.split("/"))
        if not os.path.exists(place):
            return None
        if not os.path.isfile(place):
            raise Bad("%s is damaged: it is not a plain file" % path)
        with open(place, "rb") as file:
            data = file.read(FILE_MAX + 1)
        if len(data) > FILE_MAX:
            raise Bad("%s is damaged: it is larger than any file of a log" % path)
        return data

    def read_text(self, path):
        data = self.read(path)
        try:
            return None if data is None else data.decode("utf-8")
        except UnicodeDecodeError:
            raise Bad("%s is not UTF-8 text" % path)

    def partials(self, kind, index):
        folder = os.path.join(self.folder, *tile_path(kind, index, 256).split("/")) + ".p"
        names = os.listdir(folder) if os.path.isdir(folder) else []
        return sorted(int(n) for n in names if re.fullmatch(r"[1-9][0-9]{0,2}", n) and int(n) < 256)

    def bundle(self, index, width, exact):
        """Leaf hashes of a bundle, from its own file or (unless exact) the full one."""
        path, data = self.find("entries", index, width, exact, index * 256)
        count = 256 if path == tile_path("entries", index, 256) else width
        hashes, at = [], 0
        while at < len(data):
            end = at + 2 + int.from_bytes(data[at : at + 2], "big")
            leaf = index * 256 + len(hashes)
            if len(data) < at + 2 or end > len(data):
                raise Bad("entry %d is cut short in %s" % (leaf, path), leaf)
            if len(hashes) == count:
                raise Bad("%s holds more than its %d entries" % (path, count))
            hashes.append(leaf_hash(data[at + 2 : end]))
            at = end
        if len(hashes) < count:
            leaf = index * 256 + len(hashes)
            raise Bad("%s ends before entry %d" % (path, leaf), leaf)
        return hashes[:width]

    def hashes(self, level, index, width, exact):
        path, data = self.find(level, index, width, exact, None)
        count = 256 if path == tile_path(level, index, 256) else width
        if len(data) != 32 * count:
            raise Bad("%s is damaged: its length is not 32 bytes for each hash" % path)
        return [data[at : at + 32] for at in range(0, 32 * width, 32)]

    def find(self, kind, index, width, exact, first):
        for path in (tile_path(kind, index, width), tile_path(kind, index, 256)):
            data = self.read(path)
            if data is not None:
                return path, data
            if exact:
                raise Gone("%s is absent" % path)
        raise Bad("%s is absent" % tile_path(kind, index, width), first)


def first_difference(a, b):
    return next((i for i, (x, y) in enumerate(zip(a, b)) if x != y), None)


class Scan:
    def __init__(self, log, remembered_size):
        self.log, self.remembered_size = log, remembered_size
        self.tree, self.upper = Tree(), [[] for _ in range(8)]
        self.fault, self.remembered_root = None, None
        self.remember()

    def remember(self):
        if self.tree.size == self.remembered_size:
            self.remembered_root = self.tree.root()

    def note(self, fault):
        self.fault = self.fault or fault

    def run(self, size):
        for index in range((size + 255) // 256):
            self.bundle(index, min(256, size - index * 256))
        for level in range(1, 8):
            count = size >> 8 * level
            if count % 256:
                self.compare(level, count // 256, self.upper[level])

    def bundle(self, index, width):
        hashes = self.log.bundle(index, width, False)
        for other in self.log.partials("entries", index):
            if other != width:
                try:
                    older = self.log.bundle(index, other, True)
                except Gone:
                    continue
                except Bad as fault:
                    self.note(fault)
                    continue
                place = first_difference(older, hashes)
                if place is not None:
                    leaf = index * 256 + place
                    self.note(Bad("entry %d is not the same in an older bundle" % leaf, leaf))
        self.compare(0, index, hashes)
        for value in hashes:
            self.tree.append(value)
            self.remember()
        level = 1
        while len(hashes) == 256 and level < 8:
            self.upper[level].append(root_of(hashes))
            if len(self.upper[level]) < 256:
                break
            hashes, self.upper[level] = self.upper[level], []
            self.compare(level, (self.tree.size >> 8 * level) // 256 - 1, hashes)
            level += 1

    def compare(self, level, index, expected):
        width = len(expected)
        for other in [width] + [w for w in self.log.partials(level, index) if w != width]:
            try:
                stored = self.log.hashes(level, index, other, other != width)
            except Gone:
                continue
            except Bad as fault:
                fault.first_bad = None
                self.note(fault)
                continue
            place = first_difference(stored, expected)
            if place is not None:
                path = tile_path(level, index, other)
                leaf = index * 256 + place if level == 0 else None
                what = "entry %s" % leaf if level == 0 else "hash %d" % place
                self.note(Bad("%s disagrees with %s" % (what, path), leaf))


def recall(text, key):
    """A remembered checkpoint: signed, or its bare three lines; the last newline may be lost."""
    text += "" if text.endswith("\n") else "\n"
    try:
        if "\n\n" not in text:
            return parse_checkpoint(text)
        return open_checkpoint(text, key, [], 0)[0] if key else parse_checkpoint(parse_note(text)[0])
    except Bad as refused:
        raise Bad("the remembered checkpoint is refused: %s" % refused)


def trusted_keys(log_key, options):
    key, witnesses = Key(log_key, 1), [Key(text, 4) for text in options.witness]
    publics = [k.public for k in [key] + witnesses]
    if len(set(publics)) != len(publics) or options.quorum > len(witnesses):
        raise Bad("the trusted keys do not fit together")
    return key, witnesses


def check_proof(proof, entry, options, verdict):
    """One entry against a tlog-proof file, without the log."""
    head, blank, signed = proof.partition("\n\n")
    lines = head.split("\n")
    if not blank or lines.pop(0) != "c2sp.org/tlog-proof@v1":
        raise Bad("not a tlog-proof: its first line or blank line is missing")
    if lines and lines[0].startswith("extra "):
        lines.pop(0)
    index = plain_number(lines.pop(0)[6:]) if lines and lines[0].startswith("index ") else None
    hashes = [unbase64(line) for line in lines]
    if index is None or len(hashes) > 63 or any(h is None or len(h) != 32 for h in hashes):
        raise Bad("not a tlog-proof: its index or a hash is malformed")
    key, witnesses = trusted_keys(options.vkey, options)
    (_, size, root), have = open_checkpoint(signed, key, witnesses, options.quorum)
    verdict["size"] = size
    if index >= size or root_from_proof(index, size, leaf_hash(entry), hashes) != root:
        raise Bad("the proof does not lead from this entry to the signed root")
    more = "; %d witness(es) cosigned" % have if have else ""
    return "the entry stood at place %d when the log had %d entries%s" % (index, size, more)


def root_from_proof(index, size, value, hashes):
    """RFC 9162 section 2.1.3.2; None when the number of hashes is wrong."""
    node, last = index, size - 1
    for sibling in hashes:
        if last == 0:
            return None
        if node & 1 or node == last:
            value = node_hash(sibling, value)
            while node and not node & 1:
                node, last = node >> 1, last >> 1
        else:
            value = node_hash(value, sibling)
        node, last = node >> 1, last >> 1
    return value if last == 0 else None


def check(log, options, verdict):
    signed = log.read_text("checkpoint")
    if signed is None:
        raise Bad("the log has no checkpoint file")
    checkpoint = parse_checkpoint(parse_note(signed)[0])
    origin, size, root = checkpoint
    verdict["size"] = size
    published = log.read_text("vkey")
    if published is not None and (published.count("\n") != 1 or not published.endswith("\n")):
        raise Bad("the vkey file is not one line")
    if published is not None:
        Key(published[:-1], 1)
    if options.vkey and published is not None and published[:-1] != options.vkey:
        raise Bad("the vkey file in the log is not the key given")
    source = options.vkey or (published and published[:-1])
    key, have = None, 0
    if source:
        key, witnesses = trusted_keys(source, options)
        _, have = open_checkpoint(signed, key, witnesses, options.quorum)
    remembered = recall(options.remembered_text, key) if options.remembered_text is not None else None
    if remembered and remembered[0] != origin:
        raise Bad("the remembered checkpoint is of another log")
    if remembered and remembered[1] > size:
        raise Bad("the log was rolled back: it has %d entries, the remembered checkpoint %d" % (size, remembered[1]))
    scan = Scan(log, remembered[1] if remembered else None)
    scan.run(size)
    same_root = scan.tree.root() == root
    if scan.fault:
        more = "the entries still give" if same_root else "the entries do not give"
        raise Bad("%s; %s the signed root" % (scan.fault, more), scan.fault.first_bad)
    if not same_root:
        raise Bad("the entries and tiles do not give the root in the checkpoint")
    if remembered and scan.remembered_root != remembered[2]:
        raise Bad("the log was rewritten: its first %d entries do not give the remembered root" % remembered[1])
    if not key:
        raise Bad("no key was given and the log has no vkey file, so the signature was not checked")
    reason = "signature, entries, tiles and root agree"
    if not options.vkey:
        reason += "; the key came from the log itself, so this does not show whose log it is"
    if remembered and size and remembered[1]:
        reason += "; it extends the remembered checkpoint of %d entries" % remembered[1]
    elif not remembered:
        reason += "; no checkpoint was remembered, so a rewrite would not show"
    if have:
        reason += "; %d witness(es) cosigned" % have
    return reason


def main():
    parser = argparse.ArgumentParser(description="Verifies a published Strongroom log.")
    parser.add_argument("folder", nargs="?", help="the log's folder")
    parser.add_argument("--proof", help="a tlog-proof file, checked in place of a log")
    parser.add_argument("--entry", help="file with the exact bytes of the entry it is for")
    parser.add_argument("--vkey", help="the log's key, from elsewhere than the log")
    parser.add_argument("--remembered", help="file with a checkpoint kept from before")
    parser.add_argument("--witness", action="append", default=[], help="key of a witness")
    parser.add_argument("--quorum", type=int, help="witnesses required; all that are named, if left out")
    options = parser.parse_args()
    if options.quorum is None:
        options.quorum = len(options.witness)
    if options.proof and (options.folder or not (options.entry and options.vkey)):
        parser.error("--proof goes with --entry and --vkey, and without a folder")
    if not options.proof and not options.folder:
        parser.error("name the log's folder, or a --proof")
    options.remembered_text = None
    verdict = {"verdict": "bad", "size": None, "reason": "", "first_bad": None}
    try:
        if options.remembered:
            with open(options.remembered, "rb") as file:
                options.remembered_text = file.read(FILE_MAX).decode("utf-8")
        if options.proof:
            with open(options.proof, "rb") as proof, open(options.entry, "rb") as entry:
                text, data = proof.read(FILE_MAX).decode("utf-8"), entry.read(FILE_MAX)
            verdict["reason"] = check_proof(text, data, options, verdict)
        else:
            verdict["reason"] = check(Log(options.folder), options, verdict)
        verdict["verdict"] = "ok"
    except Bad as bad:
        verdict["reason"], verdict["first_bad"] = str(bad), bad.first_bad
    except (OSError, UnicodeDecodeError) as error:
        print("could not read: %s" % error, file=sys.stderr)
        return 2
    print(json.dumps(verdict))
    return 0 if verdict["verdict"] == "ok" else 1


if __name__ == "__main__":
    sys.exit(main())
