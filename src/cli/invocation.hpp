// One run of the program: what was requested, and in which environment.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "cli/args/command.hpp"
#include "cli/render/terminal.hpp"

namespace consort::cli {

// The name under which the program runs: installed as docker-compose, it presents itself as Docker Compose.
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
  std::string line;  // the whole command line, for display
  Terminal terminal;
  ProgressMode progress = ProgressMode::automatic;
  std::shared_ptr<ProjectFiles> files;  // of the project, shared by the whole command
  bool dry_run = false;
  bool has_warned = false;  // warnings about the files were printed before the program was re-executed (seal.hpp)
};

// Runs the whole program; returns the exit status.
int run_program(const std::vector<std::string>& argv);

// Prints to standard error: what went wrong, where (with line and caret), why, and what to try.
void print_error(const Invocation& invocation, const Error& error);

}  // namespace consort::cli
