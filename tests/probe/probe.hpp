// The probe's verbs. A verb takes its arguments and returns an exit code. Results go to stdout as "key=value" lines or
// plain text, errors to stderr as "probe: what: errno name".
#pragma once

namespace probe {

struct Verb {
  const char* name;
  const char* usage;
  int (*run)(int count, char** arguments);
};

// The last entry has no name.
extern const Verb looking[];
extern const Verb doing[];
extern const Verb family[];
extern const Verb escaping[];

int complain(const char* what);  // prints errno; returns 1
const char* error_name(int number);
int run_line(int count, char** words);  // "verb args -- verb args"

}  // namespace probe
