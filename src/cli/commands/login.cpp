#include <termios.h>
#include <unistd.h>

#include "base/os/fd.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "image/transfer.hpp"

namespace consort::cli {

namespace {

constexpr const char* docker_hub = "docker.io";

// A line of the terminal, unseen.
class EchoOff {
 public:
  EchoOff() {
    if (::tcgetattr(STDIN_FILENO, &before_) != 0) return;
    termios quiet = before_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    changed_ = ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet) == 0;
  }
  ~EchoOff() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
  }
  EchoOff(const EchoOff&) = delete;
  EchoOff& operator=(const EchoOff&) = delete;

 private:
  termios before_{};
  bool changed_ = false;
};

Result<std::string> read_line() {
  std::string line;
  std::byte byte{};
  while (TRY(read_some(STDIN_FILENO, std::span(&byte, 1))) == 1 && byte != std::byte{'\n'})
    line += static_cast<char>(byte);
  return line;
}

std::string registry_of(const Invocation& invocation) {
  return invocation.arguments.empty() ? docker_hub : invocation.arguments[0];
}

Result<image::Login> ask(const Invocation& invocation) {
  image::Login login{invocation.flags.text("username"), invocation.flags.text("password")};
  if (invocation.flags.on("password-stdin")) {
    if (login.username.empty()) return fail(Code::invalid, "Must provide --username with --password-stdin");
    login.password = trim(TRY(read_all(STDIN_FILENO, 64 * 1024)));
    return login;
  }
  const bool complete = !login.username.empty() && !login.password.empty();
  if (!complete && !invocation.terminal.in_is_terminal)
    return fail(Error(Code::invalid, "cannot ask for credentials without a terminal")
                    .hint("use --username and --password-stdin"));
  if (login.username.empty()) {
    print_err("Username: ");
    login.username = TRY(read_line());
  }
  if (login.password.empty()) {
    print_err("Password: ");
    const EchoOff quiet;
    login.password = TRY(read_line());
    print_err("\n");
  }
  return login;
}

}  // namespace

Result<int> run_login(Invocation& invocation) {
  const std::string place = TRY(image::login(registry_of(invocation), TRY(ask(invocation)), {}));
  print_err("Credentials are stored in " + place + "\n");
  print_out("Login Succeeded\n");
  return 0;
}

Result<int> run_logout(Invocation& invocation) {
  const std::string registry = registry_of(invocation);
  TRY(image::logout(registry, {}));
  print_out("Removing login credentials for " + registry + "\n");
  return 0;
}

}  // namespace consort::cli
