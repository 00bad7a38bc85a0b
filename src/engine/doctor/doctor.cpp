#include "engine/doctor.hpp"

#include <netdb.h>
#include <sys/socket.h>
#include <sys/statvfs.h>
#include <sys/timex.h>
#include <unistd.h>

#include <algorithm>
#include <ctime>
#include <iterator>
#include <map>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "engine/doctor/user_groups.hpp"
#include "engine/engine.hpp"
#include "engine/reach.hpp"
#include "image/http.hpp"
#include "network/obstacles.hpp"
#include "place/place.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/overlay.hpp"

namespace consort::engine {

namespace {

using Standing = Finding::Standing;

constexpr const char* hub = "registry-1.docker.io";

Finding good(std::string facility, std::string found) {
  return {std::move(facility), Standing::good, std::move(found), "", ""};
}

// In the words with which `up` would fail.
Finding bad(std::string facility, Standing standing, const Error& error, std::string cost) {
  return {std::move(facility), standing, error.message(), std::move(cost), error.hint_text()};
}

Result<> try_overlay(const std::string& directory) {
  for (const char* name : {"/lower", "/upper", "/work"}) TRY(make_directories(directory + name, 0700));
  TRY(runtime::mount_detached(
      {.lower = {directory + "/lower"}, .upper = directory + "/upper", .work = directory + "/work"}, directory));
  return {};
}

Finding overlay(const Roots& roots) {
  const std::string directory = roots.data + "/doctor-" + std::to_string(::getpid());
  const Result<> tried = try_overlay(directory);
  (void)remove_tree(directory);
  if (tried) return good("overlay", "overlayfs works on " + roots.data);
  return bad("overlay", Standing::broken, tried.error(), "containers cannot use images as their file system");
}

Finding cgroups() {
  if (in_user_namespace()) return finding_of(ask_for_user_groups());
  std::vector<std::string> warnings;
  runtime::Resources resources;
  const auto group = runtime::Cgroup::create("/consort/doctor-" + std::to_string(::getpid()), resources, warnings);
  const std::string cost(control_groups_cost);
  if (!group) return bad("cgroup", Standing::broken, group.error(), cost);
  (void)group->remove();
  return good("cgroup", "control groups can be made");
}

std::vector<Finding> firewall(const place::Place& place) {
  const auto asked = place.run(firewall_obstacles);
  if (!asked) return {bad("firewall", Standing::broken, asked.error(), "networks of containers and published ports")};
  if (asked->empty()) return {good("firewall", "nftables works, and no other firewall is in the way")};
  std::vector<Finding> findings;
  for (const FirewallObstacle& obstacle : *asked)
    findings.push_back({"firewall", Standing::missing, obstacle.found,
                        "containers cannot reach the outside nor, on some kernels, each other; published ports may be "
                        "unreachable from other machines",
                        obstacle.command});
  return findings;
}

Finding outside(const place::Place& place) {
  const Result<> linked = place.link();
  if (linked) return good("outside", "containers can reach this machine's network");
  return bad("outside", Standing::missing, linked.error(), "containers can only reach each other");
}

// Which ports are open right now, and to whom.
Result<Finding> ports(const Roots& roots) {
  const std::unique_ptr<Engine> engine = TRY(Engine::open(roots));
  std::map<std::string, Strings> by_reach;
  for (const ReachedPort& each : reached_ports(TRY(engine->list())))
    by_reach[each.reach].push_back(each.container + " " + each.port);
  if (by_reach.empty()) return good("ports", "no ports are published");
  Strings texts;
  for (const auto& [reach, names] : by_reach) texts.push_back(reach + ": " + join(names, ", "));
  return good("ports", join(texts, "; "));
}

std::string gibibytes(std::uint64_t bytes) {
  return std::to_string(bytes >> 30) + "." + std::to_string((bytes >> 20 & 1023) * 10 / 1024) + " GiB";
}

Finding disk(const Roots& roots) {
  struct statvfs st {};
  std::string path = roots.data;
  while (::statvfs(path.c_str(), &st) != 0 && path.size() > 1) path = dir_name(path);
  const std::uint64_t free = std::uint64_t{st.f_bavail} * st.f_frsize;
  const std::string text = gibibytes(free) + " free at " + path;
  constexpr std::uint64_t little = std::uint64_t{1} << 30;
  constexpr std::uint64_t few = 20'000;
  if (free < little) return {"disk", Standing::missing, text, "an image may not fit", "consort image prune --all"};
  if (st.f_files != 0 && st.f_favail < few)
    return {"disk", Standing::missing, std::to_string(st.f_favail) + " inodes free at " + path,
            "an image may not fit: each of its files needs one", "consort image prune --all"};
  return good("disk", text);
}

Finding clock() {
  timex state{};
  const int synchronised = ::adjtimex(&state);
  constexpr std::time_t of_this_program = 1'735'689'600;  // 2025: a machine without a battery begins in 1970
  if (std::time(nullptr) < of_this_program)
    return {"clock", Standing::missing, "it is off by years", "certificates of registries are not valid yet",
            "sudo timedatectl set-ntp true"};
  return good("clock", synchronised == TIME_ERROR ? "plausible, but not synchronised" : "synchronised");
}

Finding names() {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int status = ::getaddrinfo(hub, "443", &hints, &found);
  if (status == 0) {
    ::freeaddrinfo(found);
    return good("names", std::string(hub) + " is known");
  }
  return {"names", Standing::missing, std::string(hub) + ": " + ::gai_strerror(status),
          "registries cannot be found by name", "see `nameserver` in /etc/resolv.conf"};
}

Finding registry() {
  image::HttpClient client;
  image::HttpRequest request;
  request.url = std::string("https://") + hub + "/v2/";
  request.connect_within = std::chrono::milliseconds(5000);
  request.answer_within = std::chrono::milliseconds(5000);
  const image::HttpAnswer answer = client.perform(request);
  if (answer) return good("registry", std::string(hub) + " answers");
  return bad("registry", Standing::missing, answer.error().error, "images of Docker Hub cannot be pulled");
}

}  // namespace

std::string_view to_string(Standing standing) {
  switch (standing) {
    case Standing::good:
      return "ok";
    case Standing::missing:
      return "missing";
    case Standing::broken:
      return "broken";
  }
  return "";
}

std::vector<Finding> examine_engine(const Roots& roots) {
  const Result<place::Place> place = place::Place::connect(roots);
  if (!place) return {bad("place", Standing::broken, place.error(), "everything that needs networks")};
  std::vector<Finding> findings{overlay(roots)};
  std::ranges::move(firewall(*place), std::back_inserter(findings));
  if (*place) findings.push_back(outside(*place));
  findings.push_back(cgroups());
  if (const Result<Finding> published = ports(roots))
    findings.push_back(*published);
  else
    findings.push_back(bad("ports", Standing::broken, published.error(), "containers cannot be checked"));
  return findings;
}

std::vector<Finding> examine_machine(const Roots& roots) {
  return {disk(roots), clock(), names(), registry()};
}

}  // namespace consort::engine
