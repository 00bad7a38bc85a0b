"""So many new connections a second to HOST PORT, each for one request: load.py HOST PORT RATE first|any.

Each line of output is when a request began, how long it took, and what came of it. The name is looked up for each request; `first` takes the
first address that it has and no other, `any` tries one after the other. Ends when its input does. Alone in a file, as it also runs in pods.
"""
import queue
import socket
import sys
import threading
import time

HOST, PORT, RATE, WHICH = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]
waiting, over, told = queue.Queue(), threading.Event(), threading.Lock()


def connect():
    wrong = None
    found = socket.getaddrinfo(HOST, PORT, socket.AF_INET, socket.SOCK_STREAM)
    for family, kind, _, _, where in found[:1 if WHICH == "first" else None]:
        to = socket.socket(family, kind)
        to.settimeout(30)
        try:
            to.connect(where)
            return to, where[0]
        except OSError as error:
            to.close()
            wrong = OSError(f"connect to {where[0]}: {error}")
    raise wrong


def ask():
    try:
        to, where = connect()
    except OSError as error:
        return str(error)
    step = "send"
    try:
        with to:
            to.sendall(b"GET / HTTP/1.0\r\nHost: web\r\n\r\n")
            step, text = "receive", b""
            while data := to.recv(4096):
                text += data
        return "ok" if text.startswith(b"HTTP/1.") and b" 200 " in text[:20] else f"from {where}: {text[:40]!r}"
    except OSError as error:
        return f"{step} at {where}: {error}"


def work():
    while not (over.is_set() and waiting.empty()):
        try:
            waiting.get(timeout=0.5)
        except queue.Empty:
            continue
        begin, clock = time.time(), time.monotonic()
        what = ask()
        with told:
            print(f"{begin:.3f} {time.monotonic() - clock:.3f} {what}", flush=True)


def tick():
    begin, number = time.monotonic(), 0
    while not over.is_set():
        number += 1
        waiting.put(number)
        time.sleep(max(0, begin + number / RATE - time.monotonic()))


threads = [threading.Thread(target=work) for _ in range(64)] + [threading.Thread(target=tick)]
for thread in threads:
    thread.start()
sys.stdin.read()
over.set()
for thread in threads:
    thread.join()
