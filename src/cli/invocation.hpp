// One call of the program: what was asked for, and where it was asked from.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/args/command.hpp"
#include "cli/render/terminal.hpp"

namespace consort::cli {

// As what the program was called: it speaks Docker Compose's name when installed under that.
enum class Persona : std::uint8_t { consort, docker_compose };

struct ProjectFiles;  // project_files.hpp

struct Invocation {
  Persona persona = Persona::consort;
  std::string program;  // "consort", "docker-compose"
  const Command* command = nullptr;
  ParsedFlags globals;
  ParsedFlags group;  // of `runtime`, before its command
  ParsedFlags flags;
  std::vector<std::string> arguments;
  std::string line;  // the whole command line, for people
  Terminal terminal;
  ProgressMode progress = ProgressMode::automatic;
  std::shared_ptr<ProjectFiles> files;  // of the project, as the whole command reads them
  bool dry_run = false;
  bool has_warned = false;  // of what is in the files: when it was started first (seal.hpp)
};

// The whole program: gives the exit status.
int run_program(const std::vector<std::string>& argv);

// What went wrong, where with line and caret, why, and what to try. To standard error.
void print_error(const Invocation& invocation, const Error& error);

}  // namespace consort::cli
