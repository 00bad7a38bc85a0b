// Operations on a stage's file system, with all variables expanded: values that can be printed, compared and hashed.
// Both computing a step's key (cache/key.hpp) and executing it (exec/) start from these.
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

enum class Link : std::uint8_t { no, yes };  // COPY --link: the layer is independent of the files below it

struct CopySource {
  enum class Kind : std::uint8_t { path, inline_file, url, git } kind = Kind::path;
  std::string text;     // the path (including wildcards), the file's name, or the URL
  std::string content;  // inline_file
};

struct CopyOperation {
  std::vector<CopySource> sources;
  std::optional<std::size_t> from;  // a node; nullopt: the context
  std::string destination;          // absolute; a trailing '/' means a directory
  std::string chown;                // expanded; "" is 0:0, or the source's owner when copying from another stage
  std::string chmod;                // octal, or symbolic as in chmod(1)
  std::vector<std::string> exclude;
  std::string checksum;
  bool unpack = false;  // local archives (ADD)
  bool unpack_urls = false;
  bool parents = false;
  bool wildcards = true;  // false: source names are taken literally
  bool keep_git_dir = false;
  Link link = Link::no;
};

struct PlannedMount {
  RunMount mount;                   // target is absolute
  std::optional<std::size_t> from;  // a node; nullopt: the context (bind) or nothing (cache)
};

struct RunOperation {
  std::vector<std::string> argv;
  std::vector<std::string> environment;         // "K=V", including build arguments
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
  std::string user;  // owner of the created directories; "" is 0:0
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
  image::ImageConfig config;  // history entries created here have no time yet
  int total = 0;              // number of steps as shown in titles
  std::string base_title;     // "[web 1/5] FROM docker.io/library/x"; empty: none
};

}  // namespace consort::build
