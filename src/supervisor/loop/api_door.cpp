#include "supervisor/loop/api_door.hpp"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/os/processes/process.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "supervisor/api_socket.hpp"
#include "supervisor/loop/command_program.hpp"

namespace consort::supervisor {
namespace {

constexpr const char* kept_name = "api.door";
constexpr const char* seconds_without_a_visitor = "10";
// For a program that fails at once while a client waits for an answer.
constexpr std::chrono::seconds pause_after_failure{2};

}  // namespace

// Without close(), the socket is left to a successor: the keeper holds it, and containers have its file.
ApiDoor::~ApiDoor() {
  stop_watching();
}

Result<> ApiDoor::adopt(KeeperLink::Inheritance& inheritance) {
  auto kept = inheritance.descriptors.extract(kept_name);
  if (kept.empty()) return {};
  listener_ = std::move(kept.mapped());
  return watch();
}

Result<> ApiDoor::open() {
  if (listener_) return {};
  // As for Docker's socket: for root and its group. Outside of containers, others cannot enter the directory.
  listener_ =
      TRY_WRAP(listen_unix(api_socket_path(context_.run_directory), 0660, SOCK_STREAM), "serve the project's API");
  TRY(set_nonblocking(listener_.get()));
  context_.keeper.put(kept_name, listener_.get());
  return watch();
}

void ApiDoor::close() {
  stop_watching();
  if (server_fd_) (void)send_signal(server_fd_.get(), SIGTERM);
  server_fd_.reset();
  if (!listener_) return;
  listener_.reset();
  context_.keeper.remove(kept_name);
  ::unlink(api_socket_path(context_.run_directory).c_str());
}

void ApiDoor::stop_watching() {
  context_.loop.remove(std::exchange(watch_, 0));
  context_.loop.remove(std::exchange(server_watch_, 0));
  context_.loop.cancel(std::exchange(pause_, 0));
}

Result<> ApiDoor::watch() {
  watch_ = TRY(context_.loop.add(listener_.get(), EPOLLIN, [this](std::uint32_t) { on_visitor(); }));
  return {};
}

void ApiDoor::on_visitor() {
  context_.loop.remove(std::exchange(watch_, 0));
  if (const auto started = start_server(); !started) {
    log_line("serve the project's API: " + started.error().message());
    pause_ = context_.loop.after(pause_after_failure, [this] { (void)watch(); });
  }
}

Result<> ApiDoor::start_server() {
  SpawnOptions options;
  options.argv = {TRY(command_program(context_.init_program)),
                  "serve",
                  "--project",
                  context_.project,
                  "--host",
                  "fd://0",
                  "--idle-timeout",
                  seconds_without_a_visitor};
  options.environment = command_environment(context_.roots);
  options.directory = "/";
  options.in = listener_.get();
  ChildGuard child = TRY(spawn(options));
  server_fd_ = TRY(open_pidfd(child.pid()));
  server_watch_ = TRY(context_.loop.add(server_fd_.get(), EPOLLIN, [this](std::uint32_t) { on_server_end(); }));
  server_ = child.release();
  return {};
}

void ApiDoor::on_server_end() {
  context_.loop.remove(std::exchange(server_watch_, 0));
  server_fd_.reset();
  int status = 0;
  const pid_t ended = std::exchange(server_, 0);
  while (::waitpid(ended, &status, 0) < 0 && errno == EINTR) {
  }
  if (exit_status_of(status).success()) {
    (void)watch();
    return;
  }
  log_line("serve the project's API: the program has failed");
  pause_ = context_.loop.after(pause_after_failure, [this] { (void)watch(); });
}

}  // namespace consort::supervisor
