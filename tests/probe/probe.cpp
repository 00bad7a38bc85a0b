#include "probe.hpp"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <initializer_list>

namespace probe {

int complain(const char* what) {
  fprintf(stderr, "probe: %s: %s\n", what, error_name(errno));
  return 1;
}

const char* error_name(int number) {
  const char* const name = strerrorname_np(number);
  return name ? name : "?";
}

namespace {

const Verb* find(const char* name) {
  for (const Verb* table : {looking, doing, family, escaping})
    for (const Verb* verb = table; verb->name; ++verb)
      if (strcmp(verb->name, name) == 0) return verb;
  return nullptr;
}

int usage() {
  fputs("usage: consort-probe VERB [ARGUMENT...] [-- VERB ...]...\n", stderr);
  for (const Verb* table : {looking, doing, family, escaping})
    for (const Verb* verb = table; verb->name; ++verb) fprintf(stderr, "  %s %s\n", verb->name, verb->usage);
  return 2;
}

}  // namespace

// Runs the verbs one after another, up to the first that fails.
int run_line(int count, char** words) {
  int at = 0;
  while (at < count) {
    int end = at;
    while (end < count && strcmp(words[end], "--") != 0) ++end;
    const Verb* const verb = end > at ? find(words[at]) : nullptr;
    if (!verb) return usage();
    const int code = verb->run(end - at - 1, words + at + 1);
    fflush(stdout);
    if (code != 0) return code;
    at = end + 1;
  }
  return 0;
}

}  // namespace probe

int main(int count, char** words) {
  if (count < 2) return probe::usage();
  return probe::run_line(count - 1, words + 1);
}
