// compose_config: run_config() as a program, for tests/compose/differential.
#include <unistd.h>

#include <iostream>

#include "base/os/files/file.hpp"
#include "run_config.hpp"

int main(int argc, char** argv) {
  std::map<std::string, std::string> environment;
  for (char** entry = environ; *entry; ++entry) {
    const std::string pair = *entry;
    const std::size_t equals = pair.find('=');
    environment[pair.substr(0, equals)] = pair.substr(equals + 1);
  }
  const auto run = consort::compose::run_config({argv + 1, argv + argc}, *consort::current_directory(), environment);
  std::cout << run.out;
  std::cerr << run.err;
  return run.status;
}
