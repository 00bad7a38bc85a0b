#include <poll.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/os/fd.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/signals.hpp"
#include "engine/images.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

namespace {

constexpr const char* docker_hub = "docker.io";

// Turns off the terminal's echo for as long as it lives.
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

// Waits for input or an interrupt; the terminal must not be left without echo after an interrupt.
Result<> wait_for_input(int interrupts) {
  std::array<pollfd, 2> waits{pollfd{STDIN_FILENO, POLLIN, 0}, pollfd{interrupts, POLLIN, 0}};
  while (::poll(waits.data(), waits.size(), -1) < 0)
    if (errno != EINTR) return fail_errno("wait for input");
  return waits[1].revents ? fail(Code::interrupted, "log in") : Result<>();
}

Result<std::string> read_line(int interrupts) {
  std::string line;
  std::byte byte{};
  for (;;) {
    TRY(wait_for_input(interrupts));
    if (TRY(read_some(STDIN_FILENO, std::span(&byte, 1))) == 0 || byte == std::byte{'\n'}) return line;
    line += static_cast<char>(byte);
  }
}

std::string registry_of(const Invocation& invocation) {
  return invocation.arguments.empty() ? docker_hub : invocation.arguments[0];
}

Result<image::Login> ask(const Invocation& invocation, int interrupts) {
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
    login.username = TRY(read_line(interrupts));
  }
  if (login.password.empty()) {
    print_err("Password: ");
    const EchoOff quiet;
    login.password = TRY(read_line(interrupts));
    print_err("\n");
  }
  return login;
}

}  // namespace

Result<int> run_login(Invocation& invocation) {
  const int interrupts = TRY(interrupt_descriptor());
  const image::Login login = TRY(ask(invocation, interrupts));
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  const auto forward = TRY(project::cancel_on_interrupt(interrupts, cancel));
  const std::string place = TRY(image::login(registry_of(invocation), login, {}, cancel.token()));
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
