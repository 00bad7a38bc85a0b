// Supervisor: the requests of the control socket.
#include <signal.h>
#include <unistd.h>

#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "supervisor/loop/stop_order.hpp"
#include "supervisor/loop/supervisor.hpp"

namespace consort::supervisor {

void Supervisor::answer(ConnectionId id, const Result<>& result) {
  if (!result) return server_.refuse(id, result.error());
  Reply reply;
  reply.ok = true;
  server_.reply(id, reply);
}

void Supervisor::reply_state(ConnectionId id, const std::string& container_id) {
  Reply reply;
  reply.ok = true;
  if (const Container* container = find(container_id)) reply.state = container->state();
  server_.reply(id, reply);
}

Container* Supervisor::find_or_refuse(ConnectionId id, const Request& request) {
  Container* container = find(request.id);
  if (container == nullptr) server_.refuse(id, Error(Code::not_found, "No such container: " + request.id));
  return container;
}

void Supervisor::on_request(ConnectionId id, Request request, std::vector<Fd> descriptors) {
  loop_.cancel(std::exchange(end_timer_, 0));
  switch (request.op) {
    case Op::subscribe:
      server_.send_states(id, states());
      return server_.subscribe(id);
    case Op::snapshot:
      return do_snapshot(id, request);
    case Op::start:
      return do_start(id, request, std::move(descriptors));
    case Op::stop:
      return do_stop(id, request);
    case Op::restart:
      return do_restart(id, request);
    case Op::reconnect:
      return do_reconnect(id, request);
    case Op::wait:
      return do_wait(id, request);
    case Op::exec:
      return do_exec(id, request);
    case Op::exec_wait:
      return do_exec_wait(id, request);
    case Op::attach:
      return do_attach(id, request);
    case Op::forget:
      return do_forget(id, request);
    case Op::shutdown:
      return do_shutdown(id);
    case Op::end:
      return do_end(id);
    case Op::clock:
      return answer(id, clock_.load());
    case Op::fire:
      return answer(id, clock_.fire(request.job, request.id,
                                    request.reschedule ? ProjectClock::Reschedule::yes : ProjectClock::Reschedule::no));
    case Op::kill:
      if (Container* container = find_or_refuse(id, request))
        answer(id, container->kill(request.signal.value_or(SIGKILL)));
      return;
    case Op::pause:
      if (Container* container = find_or_refuse(id, request))
        container->pause([this, id](Result<> paused) { answer(id, paused); });
      return;
    case Op::unpause:
      if (Container* container = find_or_refuse(id, request)) answer(id, container->unpause());
      return;
    case Op::resize:
      if (Container* container = find_or_refuse(id, request))
        answer(id, container->resize(TerminalSize{request.rows, request.columns}));
      return;
  }
}

void Supervisor::on_closed(ConnectionId id) {
  exec_consoles_.erase(id);
  consider_ending();
}

Result<Container*> Supervisor::container_of_unit(const std::string& unit_path) {
  ContainerUnit unit = TRY(read_unit(unit_path));
  if (unit.project != options_.project)
    return fail(Error(Code::invalid, "start container").on(unit.name).why("it belongs to project " + unit.project));
  const std::string id = unit.id;
  auto& container = containers_[id];
  if (!container)
    container = std::make_unique<Container>(context_, execs_, std::move(unit), unit_path);
  else if (!container->stays())
    container->set_unit(std::move(unit));
  return container.get();
}

void Supervisor::do_start(ConnectionId id, const Request& request, std::vector<Fd> descriptors) {
  if (context_.shutting_down)
    return server_.refuse(id, Error(Code::lost, "start container").why("the supervisor is ending"));
  auto container = container_of_unit(request.unit);
  if (!container) return server_.refuse(id, container.error());
  auto made = made_ahead_of(request.made, std::move(descriptors));
  if (!made) return server_.refuse(id, made.error());
  const auto done = [this, id, container_id = (*container)->unit().id](StartOutcome outcome) {
    if (!outcome.result) return server_.refuse(id, outcome.result.error(), outcome.exit_code);
    reply_state(id, container_id);
  };
  (*container)->start(done, std::move(*made));
}

void Supervisor::do_stop(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  container->stop(request.timeout, request.signal,
                  [this, id, container_id = request.id] { reply_state(id, container_id); });
}

void Supervisor::do_restart(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  if (auto unit = read_unit(container->unit_path())) container->set_unit(std::move(*unit));
  container->restart(request.timeout, request.signal, [this, id, container_id = request.id](StartOutcome outcome) {
    if (!outcome.result) return server_.refuse(id, outcome.result.error(), outcome.exit_code);
    reply_state(id, container_id);
  });
}

void Supervisor::do_reconnect(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  const auto unit = read_unit(container->unit_path());
  if (!unit) return server_.refuse(id, unit.error());
  container->reconnect(*unit, [this, id, container_id = request.id](const Result<>& changed) {
    if (!changed) return server_.refuse(id, changed.error());
    reply_state(id, container_id);
  });
}

void Supervisor::do_wait(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  container->when(request.until, [this, id, container_id = request.id] { reply_state(id, container_id); });
}

namespace {

struct ExecPipes {
  std::vector<Fd> ours;  // writer of its input, readers of its output and errors: for the client
  std::vector<Fd> its;
};

Result<ExecPipes> make_exec_pipes() {
  Pipe in = TRY(make_pipe()), out = TRY(make_pipe()), err = TRY(make_pipe());
  ExecPipes pipes;
  for (Fd* const fd : {&in.write, &out.read, &err.read}) pipes.ours.push_back(std::move(*fd));
  for (Fd* const fd : {&in.read, &out.write, &err.write}) pipes.its.push_back(std::move(*fd));
  return pipes;
}

}  // namespace

void Supervisor::do_exec(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  Container::ExecRequest exec;
  exec.process = request.process;
  exec.tty = request.tty;
  ExecPipes pipes;
  if (request.streams && !request.tty) {
    auto made = make_exec_pipes();
    if (!made) return server_.refuse(id, made.error());
    pipes = std::move(*made);
    exec.in = pipes.its[0].get();
    exec.out = pipes.its[1].get();
    exec.err = pipes.its[2].get();
  }
  const auto number = std::make_shared<ExecTable::Id>(0);
  auto begun = container->exec(
      exec,
      [this, id, number, tty = request.tty, ours = std::move(pipes.ours)](Result<ExecStarted> started) mutable {
        if (!started) return server_.refuse(id, started.error(), runtime::exit_code_of_failed_start(started.error()));
        Reply reply;
        reply.ok = true;
        reply.exec = *number;
        reply.pid = started->pid;
        reply.tty = tty;
        std::vector<Fd> out;
        if (auto pidfd = duplicate(started->pidfd)) out.push_back(std::move(*pidfd));
        if (started->console) {
          if (auto copy = duplicate(started->console.get())) exec_consoles_[id] = std::move(*copy);
          out.push_back(std::move(started->console));
        }
        for (Fd& end : ours) out.push_back(std::move(end));
        server_.reply(id, reply, std::move(out));
        server_.dedicate(id);
      },
      [this, id](std::optional<int> status) {
        exec_consoles_.erase(id);
        Reply reply;
        reply.ok = true;
        reply.exit_code = status ? exit_status_of(*status).code : -1;
        server_.reply(id, reply);
      });
  if (!begun) return server_.refuse(id, begun.error(), runtime::exit_code_of_failed_start(begun.error()));
  *number = *begun;
}

void Supervisor::do_exec_wait(ConnectionId id, const Request& request) {
  const auto known = execs_.wait_adopted(request.exec, [this, id](std::optional<int> status) {
    Reply reply;
    reply.ok = true;
    reply.exit_code = status ? exit_status_of(*status).code : -1;
    server_.reply(id, reply);
  });
  if (!known) server_.refuse(id, known.error());
}

// All containers, or the requested one if it is known here.
void Supervisor::do_snapshot(ConnectionId id, const Request& request) {
  if (request.id.empty()) return server_.send_states(id, states());
  std::vector<ObservedContainer> one;
  if (const Container* container = find(request.id)) one.push_back(container->state());
  server_.send_states(id, one);
}

void Supervisor::do_attach(ConnectionId id, const Request& request) {
  Container* container = find_or_refuse(id, request);
  if (container == nullptr) return;
  auto input = container->attach();
  if (!input) return server_.refuse(id, input.error());
  Reply reply;
  reply.ok = true;
  reply.tty = container->unit().tty;
  std::vector<Fd> fds;
  fds.push_back(std::move(*input));
  server_.reply(id, reply, std::move(fds));
}

void Supervisor::do_forget(ConnectionId id, const Request& request) {
  Container* container = find(request.id);
  if (container != nullptr) {
    if (const auto forgotten = container->forget(); !forgotten) return server_.refuse(id, forgotten.error());
    containers_.erase(request.id);
  }
  // For a container that exists only as a run file.
  answer(id, remove_file(run_state_path(context_.run_directory, request.id)));
}

// With the pidfds through which the client sees us and the keeper end.
void Supervisor::answer_ended(ConnectionId id) {
  std::vector<Fd> processes;
  for (const pid_t pid : {::getpid(), ::getppid()})
    if (auto pidfd = pid > 1 ? open_pidfd(pid) : Result<Fd>(Fd()); pidfd && *pidfd)
      processes.push_back(std::move(*pidfd));
  Reply reply;
  reply.ok = true;
  server_.reply(id, reply, std::move(processes));
  consider_ending();
}

// Ends the supervisor if nothing is running and nothing is about to.
void Supervisor::do_end(ConnectionId id) {
  if (!all_idle() || clock_.is_armed()) return answer(id, {});
  do_shutdown(id);
}

struct Supervisor::Ending {
  ConnectionId asker;
  StopOrder order;
  bool in_turn = false;
};

void Supervisor::do_shutdown(ConnectionId id) {
  context_.shutting_down = true;
  std::vector<StopOrder::Member> members;
  for (const auto& [container_id, container] : containers_)
    members.push_back({container_id, container->unit().service, container->unit().depends_on});
  stop_in_order(std::make_shared<Ending>(Ending{id, StopOrder(std::move(members))}));
}

// Containers that have already ended are skipped in the same turn.
void Supervisor::stop_in_order(const std::shared_ptr<Ending>& ending) {
  ending->in_turn = true;
  for (auto ids = ending->order.next(); !ids.empty(); ids = ending->order.next()) {
    for (const std::string& container_id : ids) {
      const auto on_stopped = [this, ending, container_id] {
        ending->order.stopped(container_id);
        if (!ending->in_turn) stop_in_order(ending);
      };
      Container* container = find(container_id);  // null: removed meanwhile
      container != nullptr ? container->stop(std::nullopt, std::nullopt, on_stopped) : on_stopped();
    }
  }
  ending->in_turn = false;
  if (ending->order.done()) answer_ended(ending->asker);
}

}  // namespace consort::supervisor
