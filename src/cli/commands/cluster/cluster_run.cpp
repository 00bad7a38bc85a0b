// run on a cluster: starts a one-off pod next to the service's own.
#include <poll.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdlib>
#include <thread>

#include "base/os/fd.hpp"
#include "base/os/loop/stop_event.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/project/run_values.hpp"
#include "cli/commands/project/shell_words.hpp"
#include "cli/render/lost_output.hpp"
#include "kube/one_off.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

using ClusterNeed = ClusterWorkspace::Need;

Result<> add_variables(const ParsedFlags& flags, kube::OneOff& wish) {
  for (const std::string& entry : TRY(with_lines_of(flags.list("env-from-file"), flags.list("env")))) {
    const std::size_t equals = entry.find('=');
    const std::string name = entry.substr(0, equals);
    if (equals != std::string::npos) {
      wish.environment.emplace_back(name, entry.substr(equals + 1));
    } else if (const char* ours = std::getenv(name.c_str())) {
      wish.environment.emplace_back(name, ours);
    }
  }
  return {};
}

Result<kube::OneOff> wish_of(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  kube::OneOff wish{.service = invocation.arguments[0], .name = flags.text("name")};
  if (invocation.arguments.size() > 1)
    wish.command = std::vector<std::string>(invocation.arguments.begin() + 1, invocation.arguments.end());
  if (flags.has("entrypoint")) wish.entrypoint = shell_words(flags.text("entrypoint"));
  TRY(add_variables(flags, wish));
  wish.user = flags.text("user");
  wish.working_dir = flags.text("workdir");
  const bool unwanted = flags.on("no-TTY") || flags.on("no-tty") || flags.on("detach");
  wish.tty = !unwanted && invocation.terminal.in_is_terminal && invocation.terminal.out_is_terminal;
  wish.input = flags.on("interactive") && !flags.on("detach");
  wish.passing = flags.on("rm") && flags.on("detach");  // no client waits for its end
  return wish;
}

// Sends our standard input until it ends. Then the container's input ends too, because no other client can attach to
// it.
class Feeder {
 public:
  Feeder(kube::Session& session, const kube::PodState& pod)
      : thread_([&session, &pod](const std::stop_token& stop) { (void)feed(session, pod, stop); }) {}

 private:
  static Result<> feed(kube::Session& session, const kube::PodState& pod, const std::stop_token& stop) {
    const StopEvent over = TRY(StopEvent::of(stop));
    kube::Channels channels = TRY(kube::attach(session, pod, kube::Attached::input));
    std::array<std::byte, 16 * 1024> buffer;
    for (bool ended = false; !ended || channels.busy();) {
      std::array<pollfd, 3> fds{pollfd{ended || channels.busy() ? -1 : STDIN_FILENO, POLLIN, 0},
                                pollfd{over.fd(), POLLIN, 0}, pollfd{channels.fd(), channels.events(), 0}};
      if (::poll(fds.data(), fds.size(), -1) < 0 && errno != EINTR) return fail_errno("wait for input");
      if (fds[1].revents) return {};
      if (fds[2].revents) {
        (void)TRY(channels.receive());
        if (channels.closed()) return {};
      }
      if (!fds[0].revents) continue;
      const std::size_t got = TRY(read_some(STDIN_FILENO, buffer));
      ended = got == 0;
      if (got > 0)
        TRY(channels.send(kube::Channels::input, std::string_view(reinterpret_cast<const char*>(buffer.data()), got)));
    }
    return {};
  }
  std::jthread thread_;
};

Result<int> stay_with(kube::Session& session, const kube::PodState& pod, const kube::OneOff& wish) {
  if (wish.tty && !pod.ended()) {
    kube::Channels channels = TRY(kube::attach(session, pod, kube::Attached::terminal));
    (void)TRY(relay_terminal(channels, session.cancel));
    return kube::wait_for_exit(session, pod.name);
  }
  std::optional<Feeder> feeder;
  if (wish.input && !pod.ended()) feeder.emplace(session, pod);
  TRY(kube::follow_log(session, pod, [](std::string_view bytes) {
    return write_until_interrupted(STDOUT_FILENO, bytes) ? kube::Next::more : kube::Next::enough;
  }));
  return kube::wait_for_exit(session, pod.name);
}

// Starts the service's dependencies. Fails if the file leaves out the service itself on a cluster.
Result<> bring_up_dependencies(Invocation& invocation, const ClusterTarget& target, const compose::Project& project) {
  const auto found = project.services.find(invocation.arguments[0]);
  if (found == project.services.end()) return fail(Code::not_found, "no such service: " + invocation.arguments[0]);
  std::vector<std::string> names;
  for (const auto& [name, dependency] : found->second.depends_on) names.push_back(name);
  if (names.empty() || invocation.flags.on("no-deps")) return {};
  (void)TRY(bring_up_on_cluster(invocation, target, names));
  return {};
}

}  // namespace

Result<int> cluster_run(Invocation& invocation, const ClusterTarget& target) {
  const kube::OneOff wish = TRY(wish_of(invocation));
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::file));
  kube::Session& session = workspace->session();
  const compose::Project project = *workspace->project();
  TRY(bring_up_dependencies(invocation, target, project));
  const kube::Manifests manifests = TRY(manifests_of_running(invocation, *workspace));
  const kube::Object pod = TRY(kube::one_off_pod(manifests, wish, project.name));
  if (!TRY(kube::ensure_space(session))) return 0;  // --dry-run
  if (session.trial == kube::Trial::yes) return 0;
  TRY(kube::remove_passed(session));
  const kube::PodState state = TRY(kube::start_one_off(session, manifests, pod));
  if (invocation.flags.on("detach")) {
    print_out(state.name + "\n");
    return 0;
  }
  Result<int> code = stay_with(session, state, wish);
  if (invocation.flags.on("rm") || !code) {
    // An interrupt has cancelled this session's requests, but the pod must still be removed: use a new session.
    const auto again = TRY(ClusterWorkspace::open(invocation, target, ClusterNeed::file, project));
    TRY(kube::remove_pod(again->session(), state.name));
  }
  return code;
}

}  // namespace consort::cli
