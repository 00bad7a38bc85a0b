#!/usr/bin/env python3
"""Writes rows to a database from outside its machine, and checks that acknowledged rows survive.

  tests/vm/rows.py write [ADDRESS:]PORT FILE   writes rows until the connection is lost, and keeps the number of the last acknowledged one in FILE
  tests/vm/rows.py check [ADDRESS:]PORT FILE   retries until it can connect, and checks that all rows up to that number exist
"""
import pathlib
import socket
import struct
import sys
import time


class Connection:
    """The part of PostgreSQL's protocol that a user without a password needs."""

    def __init__(self, place):
        address, _, port = place.rpartition(":")
        self.socket = socket.create_connection((address or "127.0.0.1", int(port)), timeout=20)
        self.file = self.socket.makefile("rb")
        words = b"user\0postgres\0database\0postgres\0\0"
        self.socket.sendall(struct.pack("!II", 8 + len(words), 196608) + words)
        self.answer()

    def message(self):
        head = self.file.read(5)
        if len(head) < 5:
            raise ConnectionError("the connection was lost")
        body = self.file.read(struct.unpack("!I", head[1:])[0] - 4)
        return head[:1], body

    def answer(self):
        """The first column of the first row, once the server is ready again."""
        first = error = None
        while True:
            kind, body = self.message()
            if kind == b"E":
                error = body.replace(b"\0", b" ").decode(errors="replace")
            elif kind == b"D" and first is None:
                length = struct.unpack("!i", body[2:6])[0]
                first = body[6:6 + length].decode()
            elif kind == b"Z" or error and kind == b"E" and b"FATAL" in body:
                if error:
                    raise ConnectionError(error)
                return first

    def ask(self, query):
        body = query.encode() + b"\0"
        self.socket.sendall(b"Q" + struct.pack("!I", 4 + len(body)) + body)
        return self.answer()


def connect(place, limit=180):
    end = time.monotonic() + limit
    while True:
        try:
            return Connection(place)
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.2)


def last(file):
    return int(file.read_text() or 0) if file.exists() else 0


def write(place, file):
    connection = connect(place)
    connection.ask("create table if not exists acknowledged (id bigint primary key)")
    number = last(file)
    # A row whose acknowledgement was lost may exist.
    number = max(number, int(connection.ask("select coalesce(max(id), 0) from acknowledged")))
    with file.open("r+" if file.exists() else "w+") as kept:
        try:
            while True:
                connection.ask(f"insert into acknowledged values ({number + 1})")
                number += 1
                kept.seek(0)
                kept.write(str(number))
                kept.flush()
        except OSError:
            return 0


def look(place, file):
    wanted = last(file)
    there = int(connect(place).ask(f"select count(*) from acknowledged where id <= {wanted}"))
    print(f"{there} of {wanted} acknowledged rows")
    return 0 if there == wanted else 1


if __name__ == "__main__":
    what, place, file = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
    sys.exit({"write": write, "check": look}[what](place, file))
