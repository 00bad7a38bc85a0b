// What is to be done to a stage's file system, with every variable known: values that can be printed, compared and
// hashed. How to compute a step's key (cache/key.hpp) and how to do it (exec/) both start from these.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "build/dockerfile/ast.hpp"
#include "build/dockerfile/mount.hpp"
#include "image/config.hpp"

namespace consort::build {

enum class Link : std::uint8_t { no, yes };  // COPY --link: the layer does not look at what is below

struct CopySource {
  enum class Kind : std::uint8_t { path, inline_file, url, git } kind = Kind::path;
  std::string text;     // the path (wildcards and all), the file's name, the URL
  std::string content;  // inline_file
};

struct CopyOperation {
  std::vector<CopySource> sources;
  std::optional<std::size_t> from;  // a node; none: the context
  std::string destination;          // absolute; a trailing '/' means a directory
  std::string chown;                // as written, expanded; "" is 0:0, unless from another stage: as there
  std::string chmod;                // octal, or symbolic as chmod(1)
  std::vector<std::string> exclude;
  std::string checksum;
  bool unpack = false;  // local archives (ADD)
  bool unpack_urls = false;
  bool parents = false;
  bool wildcards = true;  // false: a source's name is taken as it is
  bool keep_git_dir = false;
  Link link = Link::no;
};

struct PlannedMount {
  RunMount mount;                   // target is absolute
  std::optional<std::size_t> from;  // a node; none: the context (bind) or nothing (cache)
};

struct RunOperation {
  std::vector<std::string> argv;
  std::vector<std::string> environment;         // "K=V", arguments included
  std::vector<std::string> hidden_environment;  // proxies: not part of the key
  std::string working_dir;
  std::string user;
  std::vector<PlannedMount> mounts;
  std::optional<std::pair<std::string, std::string>> script;  // here-document with #!: name in /dev/pipes, content
  std::string network;                                        // default, none, host
  bool insecure = false;
};

struct MakeDirectoryOperation {
  std::string path;
  std::string user;  // who owns what is made; "" is 0:0
};

struct Operation {
  std::variant<CopyOperation, RunOperation, MakeDirectoryOperation> action;
  std::string title;  // "[web 2/5] RUN make"
  int number = 0;
  int total = 0;
  std::string original;  // the instruction, for messages
  Range range;
  std::size_t history = 0;  // index of its entry in the configuration's history
};

struct StagePlan {
  std::vector<Operation> operations;
  image::ImageConfig config;  // history entries made here have no time yet
  int total = 0;              // steps as they are counted in titles
  std::string base_title;     // "[web 1/5] FROM docker.io/library/x"; empty: none
};

}  // namespace consort::build
