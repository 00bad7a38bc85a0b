// A verb takes its arguments and gives an exit code. Results go to stdout as "key=value" lines or plain text,
// complaints to stderr as "probe: what: errno name".
#pragma once

namespace probe {

struct Verb {
  const char* name;
  const char* usage;
  int (*run)(int count, char** arguments);
};

// Ends with an entry without a name.
extern const Verb looking[];
extern const Verb doing[];
extern const Verb family[];
extern const Verb escaping[];

int complain(const char* what);  // with errno; gives 1
const char* error_name(int number);
int run_line(int count, char** words);  // "verb args -- verb args"

}  // namespace probe
