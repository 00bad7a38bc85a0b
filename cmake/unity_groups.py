#!/usr/bin/env python3
"""Finds which of a target's sources can be compiled as one (CMake's UNITY_GROUP): those that define no name twice.

Usage: unity_groups.py LINES SOURCE...  Prints a line "GROUP SOURCE" for each, with neighbours in groups of at most LINES lines.
"""
import dataclasses
import functools
import pathlib
import re
import sys

NOISE = re.compile(r'//[^\n]*|/\*.*?\*/|R"(\w*)\(.*?\)\1"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'', re.DOTALL)
TOKEN = re.compile(r'^[ \t]*#[^\n]*(?:\\\n[^\n]*)*|[A-Za-z_]\w*|::|[{}()\[\];=,]', re.MULTILINE)
SOURCES = pathlib.Path(__file__).resolve().parent.parent / 'src'
NO_NAMES = {'TEST', 'TEST_F', 'TEST_P', 'TYPED_TEST', 'INSTANTIATE_TEST_SUITE_P', 'operator', 'const', 'noexcept', 'override'}


def words(text):
    """The names that the file defines outside functions and classes, erring on the side of too many; and the functions and types it uses."""
    text = NOISE.sub(' ', text)
    found, opened, before = set(), [], []  # opened: for each brace, does it open a namespace?
    for token in TOKEN.findall(text):
        if token.lstrip().startswith('#'):
            found |= set(re.findall(r'#\s*define\s+(\w+)', token))
            continue
        outside = all(opened[-1:])
        if token == '{':
            opened.append(outside and 'namespace' in before and '(' not in before)
        if outside:
            found |= defined(token, before, opened)
            before = [] if token == ';' or token == '{' and opened[-1] else before + [token]
        if token == '}':
            del opened[-1:]
            before = before if opened[-1:] == [False] else []
    for suite, test in re.findall(r'^(?:TYPED_)?TEST(?:_F|_P)?\((\w+),\s*(\w+)\)', text, re.MULTILINE):
        found.add(f'{suite}.{test}')
    return found - NO_NAMES, set(re.findall(r'(?<![\w.:>])(\w+)\(', text)) | types(text)


def defined(token, before, opened):
    """The name that the words before this token define, if the token ends a definition."""
    if token not in '({=;[' or not before or token == '{' and opened[-1]:
        return set()
    kinds = [i for i, word in enumerate(before) if word in ('class', 'struct', 'enum', 'union')]
    if token == '{' and kinds:
        return set([word for word in before[kinds[-1] + 1:] if re.match(r'\w', word)][:1])
    return {before[-1]} if re.match(r'[A-Za-z_]', before[-1]) and before[-2:-1] != ['::'] else set()


def types(text):
    return set(re.findall(r'(?<![\w.:>])[A-Z]\w*[a-z]\w*', text))


@functools.cache
def headers(path):
    """The project's headers that a file includes, directly or not."""
    found = set()
    for name in re.findall(r'^#include "(.+)"', path.read_text(encoding='utf-8'), re.MULTILINE):
        for header in (path.parent / name, SOURCES / name):
            if header.is_file() and header not in found:
                found |= {header} | headers(header)
    return frozenset(found)


@functools.cache
def types_of_header(path):
    return types(NOISE.sub(' ', path.read_text(encoding='utf-8')))


@dataclasses.dataclass
class Names:
    own: set[str]  # defined in it, outside functions and classes
    used: set[str]  # functions and types that it and its headers mention
    borrowed: set[str]  # by `using a::B`
    module: set[str]  # types that its own module's headers mention

    def clash(self, other):
        """A name that one source defines for itself may hide one that the other source uses."""
        return bool(self.own & (other.own | other.used) or other.own & self.used or self.borrowed & other.module or
                    other.borrowed & self.module)

    def take(self, other):
        for field in dataclasses.fields(self):
            getattr(self, field.name).update(getattr(other, field.name))


def names_of(source, text):
    own, used = words(text)
    known = {header: types_of_header(header) for header in headers(source)}
    module = [found for header, found in known.items() if header.parts[:len(SOURCES.parts) + 1] == source.parts[:len(SOURCES.parts) + 1]]
    borrowed = set(re.findall(r'^using [\w:]+::(\w+);', text, re.MULTILINE))
    return Names(own, used.union(*known.values()) - own, borrowed, set().union(*module) - borrowed)


def main():
    most, groups = int(sys.argv[1]), []  # a group: [lines, names, sources]
    for source in sys.argv[2:]:
        text = pathlib.Path(source).read_text(encoding='utf-8')
        lines, names = text.count('\n'), names_of(pathlib.Path(source).resolve(), text)
        if re.search(r'^using namespace (?!std)', text, re.MULTILINE):
            lines = most  # any name may come from that namespace: compile it alone
        for group in reversed(groups[-12:]):
            if group[0] + lines <= most and not group[1].clash(names):
                break
        else:
            group = [0, Names(set(), set(), set(), set()), []]
            groups.append(group)
        group[0] += lines
        group[1].take(names)
        group[2].append(source)
    for number, group in enumerate(groups):
        for source in group[2]:
            print(number, source)


if __name__ == '__main__':
    main()
