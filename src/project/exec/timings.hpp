// How long each service of an `up` took and what it waited for, recorded while plans are executed; for --timings.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

struct RunDetail;
struct Session;
struct UpOptions;

using Moment = std::chrono::steady_clock::time_point;

class Timings {
 public:
  explicit Timings(Moment begin = std::chrono::steady_clock::now()) : begin_(begin) {}

  enum class Phase : std::uint8_t {
    image,    // its image was pulled or built
    waiting,  // it waited for its dependencies
    start,    // containers were created (removed, renamed, ...) and started, hooks ran
    ready,    // until its containers were healthy or had ended
  };
  struct Span {
    Phase phase;
    Moment from, to;
  };
  struct Service {
    std::string name;
    std::vector<Span> spans{};         // in the order of their start
    std::string waited_for{};          // the dependency that became ready last: "db"; "": none delayed it
    std::optional<Awaited> awaited{};  // none: only that it was started
    std::optional<Moment> started{}, ready{};
  };

  // From one thread, before the plan is executed.
  void begin(const Plan& plan);
  // From any thread: an operation of that plan was executed.
  void note(const Operation& operation, Moment from, Moment to);

  Moment beginning() const { return begin_; }
  std::vector<Service> services() const;  // in the order of their start, without unchanged ones

 private:
  struct Done {
    Phase phase;
    std::string service;
    bool keeps_others = false;  // dependents of the service may have waited for it
    std::optional<Awaited> awaited;
    Moment from, to;
  };
  std::optional<std::size_t> last_need(const Operation& operation) const;

  Moment begin_;
  mutable std::mutex mutex_;
  std::vector<std::vector<OperationId>> needs_;  // of the current plan, by ID
  std::map<OperationId, std::size_t> by_id_;     // of the current plan: index in done_
  std::vector<Done> done_;
  std::map<std::string, std::size_t> kept_by_;  // by service: index in done_ of what its start waited for
};

// execute() (exec/session.hpp) and bring_up() (verbs/up.hpp), recording each operation.
Result<> execute_timed(Session& session, const Plan& plan, std::string_view title, const RunDetail& detail,
                       Timings& timings);
Result<> bring_up_timed(Session& session, const UpOptions& options, Timings& timings);

}  // namespace consort::project
