#include "cli/seal.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <optional>

#include "base/narrow.hpp"
#include "base/os/fd.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/own_programs.hpp"
#include "base/strings.hpp"
#include "engine/seal.hpp"

namespace consort::cli {

namespace {

constexpr const char* warned_mark = "CONSORT_WARNED";

// The descriptor that a file name refers to, if any.
std::optional<int> descriptor_of(std::string_view name) {
  if (name == "-" || name == "/dev/stdin") return STDIN_FILENO;
  for (const std::string_view directory : {"/dev/fd/", "/proc/self/fd/"})
    if (name.starts_with(directory))
      if (const auto number = parse_unsigned(name.substr(directory.size()))) return saturated<int>(*number);
  return std::nullopt;
}

// Reads all of the input, or enough for it to be refused for its length.
constexpr std::size_t enough = (16U << 20) + 1;

std::optional<std::string> read_all(int fd) {
  std::string text;
  char buffer[65536];
  while (text.size() < enough) {
    const ssize_t got = ::read(fd, buffer, sizeof buffer);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) break;
    text.append(buffer, static_cast<std::size_t>(got));
  }
  return text;
}

void keep(int fd) {
  struct stat info {};
  if (::fstat(fd, &info) != 0 || S_ISREG(info.st_mode) || S_ISDIR(info.st_mode)) return;
  const auto text = read_all(fd);
  const Fd copy(::memfd_create("consort-input", MFD_CLOEXEC));
  if (!text || !copy || !write_full(copy.get(), *text)) return;
  (void)::lseek(copy.get(), 0, SEEK_SET);
  (void)::dup2(copy.get(), fd);
}

void rewind_standard_input(const std::vector<std::string>& files) {
  if (std::ranges::find(files, "-") != files.end()) (void)::lseek(STDIN_FILENO, 0, SEEK_SET);
}

}  // namespace

void keep_piped_files(const Invocation& invocation) {
  for (const char* flag : {"file", "env-file"})
    for (const std::string& name : invocation.globals.list(flag))
      if (const auto fd = descriptor_of(name)) keep(*fd);
}

bool has_warned_before() {
  const bool warned = ::getenv(warned_mark) != nullptr;
  ::unsetenv(warned_mark);
  return warned;
}

void seal_program(const Invocation& invocation, Warned warned) {
  if (engine::running_sealed()) {
    (void)engine::reexec_sealed(nullptr, environ);  // only removes the marker from the environment
    return;
  }
  const auto line = read_file("/proc/self/cmdline", 4 << 20);
  if (!line || line->empty()) return;
  std::vector<std::string> words = split(std::string_view(*line).substr(0, line->size() - 1), '\0');
  std::vector<char*> argv;
  for (std::string& word : words) argv.push_back(word.data());
  argv.push_back(nullptr);
  remember_own_directory();
  rewind_standard_input(invocation.globals.list("file"));
  if (warned == Warned::yes) ::setenv(warned_mark, "1", 1);
  (void)engine::reexec_sealed(argv.data(), environ);
  ::unsetenv(warned_mark);
}

}  // namespace consort::cli
