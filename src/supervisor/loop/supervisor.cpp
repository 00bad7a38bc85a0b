#include "supervisor/loop/supervisor.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "runtime/inspect.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

// Long enough for the user's next command to find us, short enough to leave nothing behind.
constexpr std::chrono::milliseconds idle_linger{1000};
constexpr std::chrono::milliseconds first_linger{10'000};
constexpr std::chrono::milliseconds lock_retry{20};
constexpr std::chrono::seconds longest_wait_for_predecessor{20};
constexpr int predecessor_retry_ms = 2;
constexpr const char* kept_lock = "keeper.lock";
constexpr const char* kept_place = "place";
constexpr std::size_t record_bytes_limit = std::size_t{32} << 20;  // thousands of ports take a few MiB

std::vector<std::string> record_files(const std::string& directory) {
  std::vector<std::string> files;
  DIR* opened = ::opendir(directory.c_str());
  while (const dirent* entry = opened != nullptr ? ::readdir(opened) : nullptr) {
    const std::string_view name = entry->d_name;
    if (name.ends_with(".json")) files.push_back(directory + "/" + std::string(name));
  }
  if (opened != nullptr) ::closedir(opened);
  return files;
}

const std::vector<EndpointUnit> no_endpoints;

DirectAccess direct_access(const EndpointUnit& endpoint, Family family) {
  const bool v4 = family == Family::v4;
  if (v4 ? endpoint.routed4 : endpoint.routed6) return DirectAccess::published;
  return (v4 ? endpoint.direct4 : endpoint.direct6) ? DirectAccess::all : DirectAccess::none;
}

Result<Fd> open_plain_socket(int family, int type) {
  Fd socket(::socket(family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!socket) return fail_errno("create socket");
  return socket;
}

}  // namespace

Supervisor::Supervisor(SupervisorOptions options, EventLoop loop, Fd keeper)
    : options_(std::move(options)),
      loop_(std::move(loop)),
      keeper_(std::move(keeper)),
      context_(loop_, keeper_),
      execs_(loop_),
      server_(loop_, control_socket_path(options_.roots.project_run(options_.project)),
              ControlServer::Handlers{[this](ConnectionId id, Request request, std::vector<Fd> descriptors) {
                                        on_request(id, std::move(request), std::move(descriptors));
                                      },
                                      [this](ConnectionId id, TerminalSize size) {
                                        const auto console = exec_consoles_.find(id);
                                        if (console == exec_consoles_.end()) return;
                                        winsize window{size.rows, size.columns, 0, 0};
                                        (void)::ioctl(console->second.get(), TIOCSWINSZ, &window);
                                      },
                                      [this](ConnectionId id) { on_closed(id); }}),
      clock_(context_),
      api_door_(context_),
      ended_remover_(context_),
      firewall_(
          loop_,
          [this]() -> Result<> {
            PortPublisher* publisher = TRY(context_.publisher());
            return publisher->put_back();
          },
          log_line) {
  context_.roots = options_.roots;
  context_.project = options_.project;
  context_.run_directory = options_.roots.project_run(options_.project);
  context_.init_program = options_.init_program;
  context_.dns = std::make_unique<DnsServer>(loop_, DnsTimeouts{}, std::uint16_t{53}, [this](int family, int type) {
    return context_.place ? context_.place.open_socket(family, type) : open_plain_socket(family, type);
  });
  context_.emit = [this](const Event& event) { server_.broadcast(event); };
  context_.find = [this](const std::string& id) { return find(id); };
  context_.port_owner = [this](const std::string& protocol, std::uint16_t port) {
    return owner_of_port(protocol, port);
  };
  context_.settled = [this] { consider_ending(); };
  context_.cleaner.on_end = [this] { consider_ending(); };
  // Many containers may change in one turn of the loop; their names are collected once.
  context_.names_changed = [this] {
    if (std::exchange(names_stale_, true)) return;
    loop_.after(std::chrono::milliseconds(0), [this] {
      if (names_stale_) update_names();
    });
  };
  context_.serve_names = [this] { update_names(); };
  context_.open_api = [this] { return api_door_.open(); };
}

Supervisor::~Supervisor() {
  containers_.clear();
}

Result<std::unique_ptr<Supervisor>> Supervisor::create(SupervisorOptions options, Fd keeper) {
  EventLoop loop = TRY(EventLoop::create());
  std::unique_ptr<Supervisor> made(new Supervisor(std::move(options), std::move(loop), std::move(keeper)));
  TRY(make_directories(made->context_.run_directory + "/containers", 0700));
  TRY(made->watch_signals());
  return made;
}

Result<> Supervisor::watch_signals() {
  sigset_t watched;
  sigemptyset(&watched);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGHUP);
  ::sigprocmask(SIG_BLOCK, &watched, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  ::signal(SIGXFSZ, SIG_IGN);  // our caller's limit, which only root can raise, must not end us: EFBIG is "no room"
  signals_ = Fd(::signalfd(-1, &watched, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!signals_) return fail_errno("watch signals");
  (void)TRY(loop_.add(signals_.get(), EPOLLIN, [this](std::uint32_t) {
    signalfd_siginfo info;
    bool ends = false;
    while (::read(signals_.get(), &info, sizeof info) > 0) {
      if (info.ssi_signo == SIGHUP)
        make_way();
      else
        ends = true;
    }
    if (ends) do_shutdown(0);
  }));
  return {};
}

// SIGHUP: for a successor, which may be another program by now. As after a kill (no destructor may end what that one is
// to go on with), but not while a container is between two states. The keeper sees an orderly end, and starts it at
// once.
void Supervisor::make_way() {
  const auto is_steady = [](const auto& entry) { return entry.second->idle() || entry.second->stays(); };
  if (!context_.shutting_down && std::ranges::all_of(containers_, is_steady)) ::_exit(EXIT_SUCCESS);
}

// A process that a predecessor left between clone and execve, recorded or not: nobody will let it continue. It would
// also end by itself, but its ports and its cgroup are needed now.
void Supervisor::end_unrecorded() {
  const std::string keeper = std::to_string(::getppid());
  const auto children = read_file("/proc/" + keeper + "/task/" + keeper + "/children");
  if (!children) return;  // the kernel lacks that file
  for (const std::string& word : split(trim(*children), ' ')) {
    const auto pid = static_cast<pid_t>(parse_signed(word).value_or(0));
    if (pid <= 0) continue;
    const auto process = open_pidfd(pid);
    if (process && runtime::is_being_set_up(pid)) (void)send_signal(process->get(), SIGKILL);
  }
}

// Before anything is touched, make sure that our keeper is the project's keeper and that we are its only supervisor. A
// starter that is killed leaves a keeper behind that is not visible until then, and the next one starts another.
Result<> Supervisor::claim_project(KeeperLink::Inheritance& inheritance) {
  const std::string lock_name = kept_lock;
  const Fd inherited = std::move(inheritance.descriptors[lock_name]);  // must not be held longer than our keeper lives
  inheritance.descriptors.erase(lock_name);
  if (!inherited) {
    const Fd lock = TRY(open_file(keeper_lock_path(context_.run_directory), O_RDWR | O_CREAT, 0600));
    if (!hold_keeper_lock(lock.get()))
      return fail(Error(Code::conflict, "start supervisor").why("another keeper looks after the project"));
    keeper_.put(lock_name, lock.get());
  }
  return await_predecessor();
}

// A supervisor whose keeper was killed ends as soon as it notices that.
Result<> Supervisor::await_predecessor() {
  serving_ = TRY(open_file(serving_lock_path(context_.run_directory), O_RDWR | O_CREAT, 0600));
  const auto deadline = std::chrono::steady_clock::now() + longest_wait_for_predecessor;
  while (true) {
    pollfd keeper{keeper_.fd(), 0, 0};
    const bool alone = hold_serving_lock(serving_.get());
    ::poll(&keeper, 1, alone ? 0 : predecessor_retry_ms);
    if (keeper.revents != 0) return fail(Error(Code::not_found, "start supervisor").why("its keeper has ended"));
    if (alone) return {};
    if (std::chrono::steady_clock::now() > deadline)
      return fail(Error(Code::busy, "start supervisor")
                      .why("process " + std::to_string(who_serves(serving_.get())) +
                           ", the supervisor of a keeper that is gone, does not end"));
  }
}

// A user's namespaces are kept for as long as a client is connected to the process that keeps them. Our keeper is,
// through an otherwise unused connection. Ours ends with us.
Result<> Supervisor::enter_place(KeeperLink::Inheritance& inheritance) {
  context_.place = TRY(place::Place::connect(options_.roots));
  const bool kept = inheritance.descriptors.erase(kept_place) != 0;
  if (!context_.place || kept) return {};
  const place::Place lasting = TRY(place::Place::connect(options_.roots));
  keeper_.put(kept_place, lasting.socket());
  return {};
}

Result<> Supervisor::take_over() {
  auto inheritance = TRY(keeper_.inherit());
  TRY(claim_project(inheritance));
  TRY(enter_place(inheritance));
  end_unrecorded();
  if (inheritance.generation > 1)
    log_line("takes over, supervisor " + std::to_string(inheritance.generation) + " of this project");
  for (const std::string& file : record_files(context_.run_directory + "/containers")) {
    auto text = read_file(file, record_bytes_limit);
    auto record = text ? record_from_json(*text, file) : Result<Record>(fail(std::move(text.error())));
    auto unit = record ? read_unit(record->unit_path) : Result<ContainerUnit>(fail(std::move(record.error())));
    if (!unit) {
      log_line(unit.error().message());
      continue;
    }
    const std::string id = unit->id;
    auto& container = containers_[id];
    container = std::make_unique<Container>(context_, execs_, std::move(*unit), record->unit_path);
    container->adopt(std::move(*record), inheritance);
  }
  for (const KeptExit& exit : inheritance.exits) on_exit(exit);
  if (const auto kept = api_door_.adopt(inheritance); !kept) log_line(kept.error().message());
  return {};
}

Result<> Supervisor::begin() {
  TRY_WRAP(take_over(), "take over project", options_.project);
  (void)TRY(loop_.add(keeper_.fd(), EPOLLIN, [this](std::uint32_t) { on_keeper(); }));
  return server_.listen();
}

Result<> Supervisor::run(const std::function<void()>& ready) {
  if (auto begun = begin(); !begun) {
    if (containers_.empty()) keeper_.remove(kept_lock);  // a keeper without anything to keep does not try again
    return begun;
  }
  keeper_.ready();
  ready();
  context_.names_changed();
  // Not earlier: the process that has started us waits for our answer, perhaps holding the lock of a container that is
  // to be removed.
  context_.ended = [this](const ContainerUnit& unit) { ended_remover_.on_ended(unit); };
  for (const auto& [id, container] : containers_)
    if (container->idle() && container->state().ended()) ended_remover_.on_ended(container->unit());
  if (const auto loaded = clock_.load(); !loaded) log_line(loaded.error().message());
  end_timer_ = loop_.after(first_linger, [this] { try_to_end(); });
  return loop_.run();
}

// One exit at a time: a hundred exits that arrive together are spread over many turns of the loop, and DNS is answered
// in between.
void Supervisor::on_keeper() {
  const auto exit = keeper_.receive();
  if (!exit) {
    // Containers continue under init; the next keeper and supervisor find them by their files.
    log_line(exit.error().message());
    return loop_.stop();
  }
  if (const auto& news = *exit) on_exit(*news);
}

void Supervisor::on_exit(const KeptExit& exit) {
  for (const auto& [id, container] : containers_) {
    if (!container->owns(exit.pid)) continue;
    container->on_exit(exit.wait_status);  // acknowledges once it is recorded
    keeper_.acknowledge(exit.pid);
    return;
  }
  execs_.on_exit(exit.pid, exit.wait_status);
  keeper_.acknowledge(exit.pid);
}

Container* Supervisor::find(const std::string& container_id) {
  const auto found = containers_.find(container_id);
  return found == containers_.end() ? nullptr : found->second.get();
}

std::vector<ObservedContainer> Supervisor::states() const {
  std::vector<ObservedContainer> all;
  for (const auto& [id, container] : containers_) all.push_back(container->state());
  return all;
}

void Supervisor::update_names() {
  names_stale_ = false;
  std::vector<NameRecord> records;
  for (const auto& [id, container] : containers_) {
    if (!container->has_names()) continue;
    for (NameRecord& record : name_records_of(container->unit())) records.push_back(std::move(record));
  }
  if (!shared_names_) {  // also without names of our own: a predecessor may have left some
    auto shared = SharedNames::create(loop_, options_.roots.run, options_.project, [this] { update_names(); });
    if (shared)
      shared_names_ = std::move(*shared);
    else
      log_line(shared.error().message());
  }
  if (shared_names_) {
    if (const auto published = shared_names_->publish(records); !published) log_line(published.error().message());
    for (const NameRecord& record : shared_names_->others()) records.push_back(record);
  }
  context_.dns->set_table(std::make_shared<const NameTable>(records));
  guard_firewall();
}

// Bridges with containers on them. For a bridge that is already in the firewall, the remaining settings are read from
// there.
void Supervisor::guard_firewall() {
  std::map<std::string, BridgePolicy> policies;
  for (const auto& [id, container] : containers_)
    for (const EndpointUnit& endpoint : container->has_names() ? container->unit().endpoints : no_endpoints)
      if (!endpoint.bridge.empty())
        policies[endpoint.bridge] = {.bridge = endpoint.bridge,
                                     .internal = endpoint.internal,
                                     .masquerade = endpoint.masquerade,
                                     .direct4 = direct_access(endpoint, Family::v4),
                                     .direct6 = direct_access(endpoint, Family::v6)};
  std::vector<BridgePolicy> bridges;
  for (auto& [bridge, policy] : policies) bridges.push_back(std::move(policy));
  if (const auto kept = firewall_.keep(bridges); !kept) log_line(kept.error().message());
}

std::optional<std::string> Supervisor::owner_of_port(const std::string& protocol, std::uint16_t port) const {
  for (const auto& [id, container] : containers_)
    for (const BoundPort& bound : container->state().ports)
      if (bound.host_port == port && bound.protocol == protocol)
        return "project " + options_.project + ", container " + container->unit().name;
  return std::nullopt;
}

bool Supervisor::all_idle() const {
  return std::ranges::all_of(containers_, [](const auto& entry) { return entry.second->idle(); });
}

void Supervisor::consider_ending() {
  if (is_needed()) return;
  loop_.cancel(end_timer_);
  end_timer_ =
      loop_.after(context_.shutting_down ? std::chrono::milliseconds(0) : idle_linger, [this] { try_to_end(); });
}

// A command that is about to connect holds the lock; then we stay. While we hold it, no command can be about to
// connect.
void Supervisor::try_to_end() {
  end_timer_ = 0;
  if (is_needed()) return;
  const auto lock = open_file(context_.run_directory + "/supervisor.lock", O_RDWR | O_CREAT, 0600);
  // Without the run directory no command can be connecting either: it was removed while we were running.
  const bool unreachable = !lock && lock.error().sys_errno() == ENOENT;
  if (!unreachable && (!lock || ::flock(lock->get(), LOCK_EX | LOCK_NB) != 0)) {
    end_timer_ = loop_.after(context_.shutting_down ? lock_retry : idle_linger, [this] { try_to_end(); });
    return;
  }
  if (!server_.retire() && !context_.shutting_down) {
    // A client connected through the old name; the next ones need a new one.
    if (const auto again = server_.listen(); !again) log_line(again.error().message());
    return;
  }
  if (shared_names_) (void)shared_names_->publish({});
  api_door_.close();
  keeper_.finished();
  loop_.stop();
}

}  // namespace consort::supervisor
