// Processes in running containers, terminals, and resource usage.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/process_directory.hpp"
#include "base/strings.hpp"
#include "engine/container/merge.hpp"
#include "engine/engine_impl.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/defaults.hpp"
#include "runtime/inspect.hpp"

namespace consort::engine {

namespace {

// The container's own `process` plus what the exec asks for.
Result<std::string> exec_process(const std::string& bundle, const ContainerRecord& record, const ExecSpec& spec) {
  const Json config = TRY(parse_json(TRY(read_file(bundle + "/config.json")), "config.json"));
  const Json* own = find_key(config, "process");
  if (!own) return fail(Code::internal, "read process of container", record.summary.name);
  Json process = *own;
  process["args"] = spec.argv;
  process["terminal"] = spec.tty;
  Strings environment = get_strings(*own, "env");
  if (spec.tty && !environment_value(environment, "TERM")) environment.emplace_back("TERM=xterm");
  process["env"] = merge_environment(spec.environment, environment);
  if (!spec.working_dir.empty()) process["cwd"] = spec.working_dir;
  const std::string& user = spec.user.empty() ? record.process.user : spec.user;
  process["consort_user"] = user.empty() ? "0" : user;
  process["consort_groups"] = record.spec.group_add;
  if (spec.privileged) {
    const Strings names = runtime::capability_names(runtime::all_capabilities());
    process["capabilities"] = {{"bounding", names}, {"effective", names}, {"permitted", names}};
  }
  return dump_json(process);
}

std::uint64_t sum_of_column(const std::string& table, std::size_t column) {
  std::uint64_t sum = 0;
  for (const std::string& line : split(table, '\n')) {
    const std::size_t colon = line.find(':');
    if (colon == std::string::npos || trim(line.substr(0, colon)) == "lo") continue;
    Strings numbers;
    for (const std::string& word : split(line.substr(colon + 1), ' '))
      if (!word.empty()) numbers.push_back(word);
    if (column < numbers.size()) sum += parse_unsigned(numbers[column]).value_or(0);
  }
  return sum;
}

// What a container without a limit can use, as Docker shows it.
std::uint64_t memory_of_machine() {
  const long pages = ::sysconf(_SC_PHYS_PAGES), size = ::sysconf(_SC_PAGE_SIZE);
  return pages > 0 && size > 0 ? static_cast<std::uint64_t>(pages) * static_cast<std::uint64_t>(size) : 0;
}

}  // namespace

Result<Exec> Engine::exec(const std::string& id, const ExecSpec& spec, int* exit_code) {
  if (spec.argv.empty()) return fail(Error(Code::invalid, "No exec command specified"));
  const ContainerRecord record = TRY(impl_->load(id));
  const ContainerState state = TRY(impl_->observe(record.summary.project, record.summary.id));
  if (state.status == Status::paused) {
    return fail(
        Error(Code::conflict, "Container " + record.summary.id + " is paused, unpause the container before exec"));
  }
  if (!state.running()) return fail(Error(Code::conflict, "container " + record.summary.id + " is not running"));
  supervisor::ExecOptions options;
  if (!spec.working_dir.empty() && !spec.working_dir.starts_with('/')) {
    if (exit_code != nullptr) *exit_code = 128;  // as Docker counts a process that cannot be described
    return fail(Error(Code::invalid,
                      "the working directory '" + spec.working_dir + "' is invalid, it needs to be an absolute path")
                    .about(Subject::working_directory, spec.working_dir));
  }
  options.process = TRY(exec_process(impl_->container_directory(record.summary.id), record, spec));
  options.tty = spec.tty;
  options.streams = spec.streams;
  return impl_->client(record.summary.project).exec(record.summary.id, options, exit_code);
}

Result<Attachment> Engine::attach(const std::string& id) {
  const ContainerRecord record = TRY(impl_->load(id));
  return impl_->client(record.summary.project).attach(record.summary.id);
}

Result<> Engine::resize_terminal(const std::string& id, TerminalSize size) {
  const ContainerRecord record = TRY(impl_->load(id));
  return impl_->client(record.summary.project).resize(record.summary.id, size);
}

namespace {

Result<supervisor::ObservedContainer> running_state(Engine::Impl& impl, const std::string& id) {
  const ContainerRecord record = TRY(impl.load(id));
  const std::vector<std::string> ids{record.summary.id};
  auto states = TRY(supervisor::observe(impl.roots, record.summary.project, ids, impl.patience));
  const auto found = states.find(record.summary.id);
  if (found == states.end() || !found->second.has_process())
    return fail(Error(Code::conflict, "container " + record.summary.id + " is not running"));
  return std::move(found->second);
}

}  // namespace

Result<std::string> Engine::Impl::cgroup_of(const std::string& id) {
  return TRY(running_state(*this, id)).cgroup;
}

Result<Fd> Engine::Impl::process_directory(const std::string& id) {
  const supervisor::ObservedContainer state = TRY(running_state(*this, id));
  auto directory = open_process_directory(state.pid, state.pid_started);
  if (!directory && directory.error().code() == Code::not_found)
    return fail(Error(Code::conflict, "container " + id + " is not running"));
  return directory;
}

Result<ContainerStats> Engine::stats(const std::string& id) {
  const std::string path = TRY(impl_->cgroup_of(id));
  const runtime::CgroupStats seen = TRY(runtime::Cgroup::open(path).stats());
  ContainerStats stats;
  stats.cpu_nanoseconds = seen.cpu_usage_ns;
  stats.memory_bytes =
      seen.memory_bytes > seen.memory_inactive_file ? seen.memory_bytes - seen.memory_inactive_file : 0;
  stats.memory_limit = seen.memory_limit != 0 ? seen.memory_limit : memory_of_machine();
  stats.pids = seen.pids;
  stats.block_read = seen.io_read_bytes;
  stats.block_written = seen.io_write_bytes;
  const Fd process = TRY(impl_->process_directory(id));
  const Result<Fd> devices = open_at(process.get(), "net/dev", O_RDONLY);
  if (const Result<std::string> net = devices ? read_all(devices->get(), 1 << 20) : std::string()) {
    stats.network_received = sum_of_column(*net, 0);
    stats.network_sent = sum_of_column(*net, 8);
  }
  return stats;
}

}  // namespace consort::engine
