// The main object of one project's supervisor: containers, control socket, names, and the link to the keeper.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/roots.hpp"
#include "network/firewall_guard.hpp"
#include "network/shared_names.hpp"
#include "supervisor/clock/project_clock.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/container/exec_table.hpp"
#include "supervisor/loop/api_door.hpp"
#include "supervisor/loop/context.hpp"
#include "supervisor/loop/control_server.hpp"
#include "supervisor/loop/ended_remover.hpp"
#include "supervisor/loop/keeper_link.hpp"

namespace consort::supervisor {

struct SupervisorOptions {
  Roots roots;
  std::string project;
  std::string init_program;  // consort-init
};

class Supervisor {
 public:
  // keeper: our end of the socket pair.
  static Result<std::unique_ptr<Supervisor>> create(SupervisorOptions options, Fd keeper);
  ~Supervisor();
  Supervisor(const Supervisor&) = delete;
  Supervisor& operator=(const Supervisor&) = delete;

  // Takes over what the keeper has, then serves. ready() is called once the control socket answers.
  Result<> run(const std::function<void()>& ready);

 private:
  Supervisor(SupervisorOptions options, EventLoop loop, Fd keeper);
  Result<> begin();
  Result<> take_over();
  Result<> enter_place(KeeperLink::Inheritance& inheritance);
  void end_unrecorded();
  Result<> claim_project(KeeperLink::Inheritance& inheritance);
  Result<> await_predecessor();
  Result<> watch_signals();
  void make_way();
  void on_keeper();
  void on_exit(const KeptExit& exit);
  void on_request(ControlServer::ConnectionId id, Request request, std::vector<Fd> descriptors);
  void on_closed(ControlServer::ConnectionId id);

  // One function per request type.
  using ConnectionId = ControlServer::ConnectionId;
  void do_start(ConnectionId id, const Request& request, std::vector<Fd> descriptors);
  void do_stop(ConnectionId id, const Request& request);
  void do_restart(ConnectionId id, const Request& request);
  void do_reconnect(ConnectionId id, const Request& request);
  void do_wait(ConnectionId id, const Request& request);
  void do_exec(ConnectionId id, const Request& request);
  void do_exec_wait(ConnectionId id, const Request& request);
  void do_attach(ConnectionId id, const Request& request);
  void do_snapshot(ConnectionId id, const Request& request);
  void do_forget(ConnectionId id, const Request& request);
  void do_shutdown(ConnectionId id);
  struct Ending;
  void stop_in_order(const std::shared_ptr<Ending>& ending);
  void do_end(ConnectionId id);
  void answer_ended(ConnectionId id);

  Result<Container*> container_of_unit(const std::string& unit_path);
  Container* find(const std::string& container_id);
  Container* find_or_refuse(ConnectionId id, const Request& request);
  void reply_state(ConnectionId id, const std::string& container_id);
  void answer(ConnectionId id, const Result<>& result);
  std::vector<ObservedContainer> states() const;

  void update_names();
  void guard_firewall();
  std::optional<std::string> owner_of_port(const std::string& protocol, std::uint16_t port) const;
  bool all_idle() const;
  // Whether the supervisor must continue to run.
  bool is_needed() const {
    return !all_idle() || clock_.is_armed() || context_.cleaner.must_go_on() || ended_remover_.is_waiting() ||
           (server_.connections() > 0 && !context_.shutting_down);
  }
  void consider_ending();
  void try_to_end();

  SupervisorOptions options_;
  EventLoop loop_;
  KeeperLink keeper_;
  Context context_;
  ExecTable execs_;
  ControlServer server_;
  ProjectClock clock_;
  ApiDoor api_door_;
  EndedRemover ended_remover_;
  std::unique_ptr<SharedNames> shared_names_;
  std::map<std::string, std::unique_ptr<Container>> containers_;
  std::map<ConnectionId, Fd> exec_consoles_;  // for resizing
  FirewallGuard firewall_;
  Fd signals_;
  Fd serving_;  // the lock; released when the process ends
  bool names_stale_ = false;
  EventLoop::Token end_timer_ = 0;
};

}  // namespace consort::supervisor
