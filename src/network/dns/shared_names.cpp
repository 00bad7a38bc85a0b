#include "network/shared_names.hpp"

#include <sys/inotify.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <climits>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort {

namespace {

constexpr std::size_t max_file_bytes = 4 << 20;
constexpr std::string_view suffix = ".json";

Json to_json(const NameRecord& record) {
  Json json{{"network_name", record.network_name}, {"container_name", record.container_name}, {"names", record.names}};
  if (record.ipv4) json["ipv4"] = record.ipv4->to_string();
  if (record.ipv6) json["ipv6"] = record.ipv6->to_string();
  return json;
}

NameRecord from_json(const Json& json, const std::string& network_id) {
  NameRecord record;
  record.network_id = network_id;
  record.network_name = get_string(json, "network_name");
  record.container_name = get_string(json, "container_name");
  record.names = get_strings(json, "names");
  record.ipv4 = Address::parse(get_string(json, "ipv4"));
  record.ipv6 = Address::parse(get_string(json, "ipv6"));
  return record;
}

std::vector<std::string> names_in(const std::string& directory) {
  return list_directory(directory).value_or(std::vector<std::string>());
}

// A file that its writer had not yet renamed to the final name.
bool is_draft_of(std::string_view name, const std::string& file) {
  return name.starts_with(file + ".tmp-");
}

// From "PROJECT.json" or a draft of it.
std::string project_of(const std::string& name) {
  return name.substr(0, name.find(suffix));
}

}  // namespace

struct SharedNames::Impl {
  EventLoop& loop;
  std::string root;  // run/networks
  std::string file;  // PROJECT.json
  std::function<void()> on_change;
  Fd watcher;
  EventLoop::Token token = 0;
  std::map<std::string, int> watches;  // network id -> watch descriptor
  std::vector<NameRecord> others;

  Impl(EventLoop& l, std::string r, std::string f, std::function<void()> change)
      : loop(l), root(std::move(r)), file(std::move(f)), on_change(std::move(change)) {}
  ~Impl();
  Result<> watch(const std::string& network_id);
  void inherit();
  Result<> write(const std::string& network_id, const std::vector<const NameRecord*>& records);
  Result<> try_write(const std::string& network_id, const std::vector<const NameRecord*>& records);
  void leave(const std::string& network_id);
  void on_events();
  void read_all();
};

SharedNames::Impl::~Impl() {
  // The files stay: a successor publishes them again, and a supervisor that ends for good publishes an empty list
  // first.
  loop.remove(token);
}

Result<> SharedNames::Impl::watch(const std::string& network_id) {
  if (watches.contains(network_id)) return {};
  const std::string directory = root + "/" + network_id;
  const int watch = ::inotify_add_watch(watcher.get(), directory.c_str(), IN_MOVED_TO | IN_DELETE | IN_ONLYDIR);
  if (watch < 0) return fail_errno("watch", directory);
  watches[network_id] = watch;
  return {};
}

// Files that a killed predecessor has published are ours: the next publish() replaces or removes them.
void SharedNames::Impl::inherit() {
  for (const std::string& network_id : names_in(root)) {
    const std::string directory = root + "/" + network_id;
    bool had_draft = false;
    for (const std::string& name : names_in(directory)) {
      if (name == file) (void)watch(network_id);
      if (!is_draft_of(name, file)) continue;
      (void)remove_file(directory + "/" + name);
      had_draft = true;
    }
    if (had_draft) ::rmdir(directory.c_str());  // fails if it is not empty
  }
}

Result<> SharedNames::Impl::write(const std::string& network_id, const std::vector<const NameRecord*>& records) {
  // The last one to leave the network removes its directory, possibly just before our file is created.
  constexpr int most_tries = 10;
  for (int i = 0;; ++i) {
    Result<> written = try_write(network_id, records);
    if (written || written.error().sys_errno() != ENOENT || i == most_tries) return written;
    watches.erase(network_id);
  }
}

Result<> SharedNames::Impl::try_write(const std::string& network_id, const std::vector<const NameRecord*>& records) {
  const std::string directory = root + "/" + network_id;
  TRY(make_directories(directory, 0700));
  TRY(watch(network_id));
  Json list = Json::array();
  for (const NameRecord* record : records) list.push_back(to_json(*record));
  const std::string text = dump_json(list);
  // Do not notify others if the names are unchanged.
  if (const Result<std::string> now = read_file(directory + "/" + file); now && *now == text) return {};
  return write_file_atomic(directory + "/" + file, text, 0600);
}

void SharedNames::Impl::leave(const std::string& network_id) {
  const std::string directory = root + "/" + network_id;
  if (const auto watch = watches.find(network_id); watch != watches.end()) {
    ::inotify_rm_watch(watcher.get(), watch->second);
    watches.erase(watch);
  }
  // If it cannot be removed, it names containers that are no longer reachable; the run root is emptied at boot.
  (void)remove_file(directory + "/" + file);
  ::rmdir(directory.c_str());  // fails while others are on the network
}

void SharedNames::Impl::read_all() {
  others.clear();
  for (const auto& [network_id, watch] : watches) {
    const std::string directory = root + "/" + network_id;
    for (const std::string& name : names_in(directory)) {
      if (name == file || !name.ends_with(suffix)) continue;
      const Result<std::string> text = read_file(directory + "/" + name, max_file_bytes);
      if (!text) continue;  // removed in between
      const Result<Json> list = parse_json(*text, directory + "/" + name);
      if (!list || !list->is_array()) continue;
      for (const Json& item : *list) others.push_back(from_json(item, network_id));
    }
  }
}

void SharedNames::Impl::on_events() {
  bool foreign = false;
  alignas(inotify_event) std::array<char, 16 * (sizeof(inotify_event) + NAME_MAX + 1)> buffer;
  while (true) {
    const ssize_t got = ::read(watcher.get(), buffer.data(), buffer.size());
    if (got <= 0) break;
    for (ssize_t at = 0; at < got;) {
      const auto* event = reinterpret_cast<const inotify_event*>(buffer.data() + at);
      at += static_cast<ssize_t>(sizeof *event + event->len);
      const std::string_view name = event->len != 0 ? event->name : "";
      // An overflow (without a name) may have swallowed any event.
      if (name.empty() ? (event->mask & IN_Q_OVERFLOW) != 0 : name != file && name.ends_with(suffix)) foreign = true;
    }
  }
  if (!foreign) return;
  read_all();
  on_change();
}

SharedNames::SharedNames(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
SharedNames::~SharedNames() = default;

Result<std::unique_ptr<SharedNames>> SharedNames::create(EventLoop& loop, std::string run_root, std::string project,
                                                         std::function<void()> on_change) {
  auto impl = std::make_unique<Impl>(loop, run_root + "/networks", project + std::string(suffix), std::move(on_change));
  impl->watcher = Fd(::inotify_init1(IN_CLOEXEC | IN_NONBLOCK));
  if (!impl->watcher) return fail_errno("create inotify");
  Impl* self = impl.get();
  impl->token = TRY(loop.add(impl->watcher.get(), EPOLLIN, [self](std::uint32_t) { self->on_events(); }));
  impl->inherit();
  return std::unique_ptr<SharedNames>(new SharedNames(std::move(impl)));
}

Result<> SharedNames::publish(const std::vector<NameRecord>& own) {
  std::map<std::string, std::vector<const NameRecord*>> by_network;
  for (const NameRecord& record : own) by_network[record.network_id].push_back(&record);
  std::set<std::string> gone;
  for (const auto& [network_id, watch] : impl_->watches) {
    if (!by_network.contains(network_id)) gone.insert(network_id);
  }
  for (const std::string& network_id : gone) impl_->leave(network_id);
  for (const auto& [network_id, records] : by_network) TRY(impl_->write(network_id, records));
  impl_->read_all();
  return {};
}

const std::vector<NameRecord>& SharedNames::others() const {
  return impl_->others;
}

void sweep_shared_names(const std::string& run_root, const std::function<bool(const std::string& network_id)>& exists,
                        const std::function<std::optional<Fd>(const std::string& project)>& claim) {
  const std::string root = run_root + "/networks";
  for (const std::string& network_id : names_in(root)) {
    const std::string directory = root + "/" + network_id;
    const bool gone = !exists(network_id);
    for (const std::string& name : names_in(directory)) {
      const std::optional<Fd> held = gone ? std::optional<Fd>(Fd()) : claim(project_of(name));
      if (held) (void)remove_file(directory + "/" + name);
    }
    if (gone) ::rmdir(directory.c_str());
  }
}

}  // namespace consort
