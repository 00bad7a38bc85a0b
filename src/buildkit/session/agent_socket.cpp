#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <list>
#include <system_error>

#include "base/os/files/file.hpp"
#include "base/os/sockets/unix_socket.hpp"
#include "buildkit/session/client.hpp"
#include "buildkit/session/tunnel.hpp"
#include "session.pb.h"

namespace consort::buildkit {
namespace {

constexpr const char* check_agent = "/moby.sshforward.v1.SSH/CheckAgent";
constexpr const char* forward_agent = "/moby.sshforward.v1.SSH/ForwardAgent";
constexpr std::size_t max_conversations = 64;

Result<Fd> listen_at(const std::string& path) {
  Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!listener) return fail_errno("make socket");
  const UnixAddress address = TRY(unix_address(path));
  if (::bind(listener.get(), reinterpret_cast<const sockaddr*>(&address.name), address.size) != 0 ||
      ::listen(listener.get(), 8) != 0)
    return fail_errno("listen", path);
  return listener;
}

}  // namespace

Result<std::unique_ptr<AgentSocket>> AgentSocket::open(std::shared_ptr<Session> session, const std::string& id,
                                                       const std::string& path) {
  if (!session->offers(check_agent) || !session->offers(forward_agent)) return nullptr;
  wire::CheckAgentRequest request;
  request.set_id(id);
  // A refusal counts as missing: the caller reports it if the mount is required.
  if (const auto answer = session->connection().ask(check_agent, request.SerializeAsString()); !answer) {
    if (answer.error().code() == Code::lost) return fail(Error(Code::lost).why(answer.error().message()));
    return nullptr;
  }
  std::unique_ptr<AgentSocket> made(new AgentSocket);
  made->session_ = std::move(session);
  made->id_ = id;
  made->path_ = path;
  made->listener_ = TRY(listen_at(path));
  made->stop_ = Fd(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!made->stop_) return fail_errno("make event");
  try {
    made->thread_ = std::thread([self = made.get()] { self->serve(); });
  } catch (const std::system_error& error) {
    return fail_errno(error.code().value(), "start thread");
  }
  return made;
}

AgentSocket::~AgentSocket() {
  if (!thread_.joinable()) return;
  const std::uint64_t one = 1;
  while (::write(stop_.get(), &one, sizeof one) < 0 && errno == EINTR) continue;
  thread_.join();
  (void)remove_file(path_);
}

void AgentSocket::serve() {
  struct Conversation {
    std::thread thread;
    std::shared_ptr<std::atomic<bool>> ended;
  };
  std::list<Conversation> conversations;
  const auto reap = [&](bool all) {
    std::erase_if(conversations, [&](Conversation& each) {
      if (!all && !each.ended->load()) return false;
      each.thread.join();
      return true;
    });
  };
  for (;;) {
    pollfd polled[2] = {{listener_.get(), POLLIN, 0}, {stop_.get(), POLLIN, 0}};
    if (::poll(polled, 2, -1) < 0 && errno != EINTR) break;
    if (polled[1].revents != 0) break;
    if (polled[0].revents == 0) continue;
    Fd socket(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!socket) continue;
    reap(false);
    if (conversations.size() >= max_conversations) continue;  // the step sees its connection close
    auto ended = std::make_shared<std::atomic<bool>>(false);
    try {
      conversations.push_back({std::thread([this, ended, socket = std::move(socket)] {
                                 forward(socket);
                                 ended->store(true);
                               }),
                               ended});
    } catch (const std::system_error&) {
      continue;
    }
  }
  reap(true);
}

void AgentSocket::forward(const Fd& socket) const {
  auto call = session_->connection().call(forward_agent, {{"buildkit.ssh.id", id_}});
  if (call) tunnel(**call, socket.get(), stop_.get());
}

}  // namespace consort::buildkit
