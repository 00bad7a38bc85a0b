#include "buildkit/solve/progress.hpp"

#include "base/sha256.hpp"
#include "base/strings.hpp"

namespace consort::buildkit {
namespace {

constexpr std::size_t max_log_bytes = std::size_t{2} << 20;  // per step, as BuildKit limits it
constexpr std::size_t max_log_piece = std::size_t{512} << 10;
constexpr Nanoseconds between_transfers = std::chrono::milliseconds(100);
constexpr std::string_view definition_title = "[internal] load build definition from ";

void set_now(wire::Time* time) {
  *time = wire_time(system_now());
}

}  // namespace

wire::Time wire_time(SystemTime time) {
  const auto since = time.time_since_epoch();
  const auto seconds = std::chrono::floor<std::chrono::seconds>(since);
  wire::Time out;
  out.set_seconds(seconds.count());
  out.set_nanos(static_cast<std::int32_t>((since - seconds).count()));
  return out;
}

std::string ProgressFeed::digest_of(std::string_view name) const {
  return "sha256:" + sha256_hex(job_.reference() + '\0' + scope_ + '\0' + std::string(name));
}

void ProgressFeed::pend(std::string name, std::string part, std::uint64_t bytes) {
  const std::scoped_lock lock(mutex_);
  pending_ = std::move(name);
  pending_part_ = std::move(part);
  pending_bytes_ = bytes;
}

void ProgressFeed::show_pending() {
  std::string name, part;
  std::uint64_t bytes = 0;
  {
    const std::scoped_lock lock(mutex_);
    name = std::exchange(pending_, {});
    part = std::exchange(pending_part_, {});
    bytes = pending_bytes_;
  }
  if (name.empty()) return;
  Step step(*this, name);
  step.transfer(part);
  step.transferred(bytes);
  step.done();
}

void ProgressFeed::take(const build::ProgressEvent& event) {
  if (event.stage != "internal") show_pending();
  const std::scoped_lock lock(mutex_);
  if (hidden_.contains(event.text)) return;
  wire::StatusResponse status;
  wire::Vertex& vertex = vertices_[event.id];
  if (vertex.digest().empty()) {
    vertex.set_digest(digest_of(std::to_string(event.id)));
    vertex.set_name(event.text);
    set_now(vertex.mutable_started());
    ++total_;
  }
  switch (event.state) {
    case build::StepState::started:
      break;
    case build::StepState::output:
      tell_parts(event, status);
      job_.tell(status);
      return;
    case build::StepState::cached:
      vertex.set_cached(true);
      ++cached_;
      set_now(vertex.mutable_completed());
      break;
    case build::StepState::done:
      set_now(vertex.mutable_completed());
      break;
    case build::StepState::error:
      vertex.set_error(event.message.empty() ? "failed" : event.message);
      set_now(vertex.mutable_completed());
      break;
    case build::StepState::canceled:
      vertex.set_error("context canceled");
      set_now(vertex.mutable_completed());
      break;
  }
  *status.add_vertexes() = vertex;
  job_.tell(status);
}

// The builder's own steps print "writing image X done": such lines are parts of the step. The lines of any other step
// are the output of a program.
void ProgressFeed::tell_parts(const build::ProgressEvent& event, wire::StatusResponse& status) {
  const std::string digest = vertices_[event.id].digest();
  if (event.stage == "internal") {
    for (std::string line : split(event.output, '\n')) {
      if (line.empty()) continue;
      wire::VertexStatus& part = *status.add_statuses();
      const bool done = line.ends_with(" done");
      if (done) line.resize(line.size() - 5);
      part.set_id(line);
      part.set_vertex(digest);
      set_now(part.mutable_timestamp());
      set_now(part.mutable_started());
      if (done) set_now(part.mutable_completed());
    }
    return;
  }
  std::size_t& told = log_bytes_[event.id];
  std::string_view text = event.output;
  if (told > max_log_bytes) return;
  told += text.size();
  std::string clipped;
  if (told > max_log_bytes) {
    clipped = "\n[output clipped, log limit 2MiB reached]\n";
    text = clipped;
  }
  while (!text.empty()) {
    wire::VertexLog& log = *status.add_logs();
    log.set_vertex(digest);
    set_now(log.mutable_timestamp());
    log.set_stream(event.from_stderr ? 2 : 1);
    log.set_msg(std::string(text.substr(0, max_log_piece)));
    text.remove_prefix(std::min(text.size(), max_log_piece));
  }
}

void ProgressFeed::warn(const build::BuildResult& result, const std::string& file) {
  if (result.warnings.empty()) return;
  wire::StatusResponse status;
  for (const build::Warning& warning : result.warnings) {
    wire::VertexWarning& out = *status.add_warnings();
    out.set_vertex(digest_of(std::string(definition_title) + file));
    out.set_level(1);
    const std::string line = warning.at.line > 0 ? " (line " + std::to_string(warning.at.line) + ")" : "";
    out.set_short_text(warning.rule + ": " + warning.message + line);
    *out.add_detail() = warning.summary;
    out.set_url(warning.url);
    out.mutable_info()->set_filename(file);
    out.mutable_info()->set_data(result.dockerfile_text);
    out.mutable_info()->set_language("Dockerfile");
    wire::Range& range = *out.add_ranges();
    range.mutable_start()->set_line(static_cast<std::int32_t>(warning.at.line));
    range.mutable_end()->set_line(static_cast<std::int32_t>(warning.at.line));
  }
  job_.tell(status);
}

ProgressFeed::Step::Step(ProgressFeed& feed, const std::string& name) : feed_(feed) {
  vertex_.set_digest(feed.digest_of(name));
  vertex_.set_name(name);
  set_now(vertex_.mutable_started());
  began_ = vertex_.started();
  wire::StatusResponse status;
  *status.add_vertexes() = vertex_;
  feed_.job_.tell(status);
  const std::scoped_lock lock(feed_.mutex_);
  ++feed_.total_;
}

ProgressFeed::Step::~Step() {
  if (!ended_) failed("context canceled");
}

void ProgressFeed::Step::transferred(std::uint64_t bytes) {
  bytes_ = bytes;
  const SystemTime now = system_now();
  if (now - last_ < between_transfers) return;
  last_ = now;
  send_transfer(false);
}

void ProgressFeed::Step::send_transfer(bool complete) {
  wire::StatusResponse status;
  wire::VertexStatus& part = *status.add_statuses();
  part.set_id(what_);
  part.set_vertex(vertex_.digest());
  part.set_name("transferring");
  part.set_current(static_cast<std::int64_t>(bytes_));
  set_now(part.mutable_timestamp());
  *part.mutable_started() = began_;
  if (complete) set_now(part.mutable_completed());
  feed_.job_.tell(status);
}

void ProgressFeed::Step::part(const std::string& what) {
  wire::StatusResponse status;
  wire::VertexStatus& part = *status.add_statuses();
  part.set_id(what);
  part.set_vertex(vertex_.digest());
  set_now(part.mutable_timestamp());
  *part.mutable_started() = began_;
  set_now(part.mutable_completed());
  feed_.job_.tell(status);
}

void ProgressFeed::Step::done() {
  if (!what_.empty()) send_transfer(true);
  ended_ = true;
  wire::StatusResponse status;
  set_now(vertex_.mutable_completed());
  *status.add_vertexes() = vertex_;
  feed_.job_.tell(status);
}

void ProgressFeed::Step::failed(const std::string& why) {
  ended_ = true;
  wire::StatusResponse status;
  vertex_.set_error(why);
  set_now(vertex_.mutable_completed());
  *status.add_vertexes() = vertex_;
  feed_.job_.tell(status);
}

}  // namespace consort::buildkit
