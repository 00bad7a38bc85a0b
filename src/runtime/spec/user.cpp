#include "runtime/user.hpp"

#include <fcntl.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/os/files/file.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/strings.hpp"

namespace consort::runtime {

namespace {

constexpr std::size_t max_file = std::size_t{10} << 20;

std::optional<std::uint32_t> parse_id(std::string_view text) {
  const auto number = parse_unsigned(text);
  // 2^31 and above make setuid ambiguous (-1 means "unchanged"); Docker has the same limit.
  if (!number || *number > 0x7fffffff) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

// Calls visit with the fields of each line until it returns true.
template <typename Visit>
bool find_line(std::string_view table, std::size_t least_fields, Visit visit) {
  std::size_t at = 0;
  while (at < table.size()) {
    const std::size_t end = std::min(table.find('\n', at), table.size());
    const std::string_view line = trim(table.substr(at, end - at));
    at = end + 1;
    if (line.empty() || line.starts_with('#')) continue;
    const std::vector<std::string> fields = split(line, ':');
    if (fields.size() >= least_fields && visit(fields)) return true;
  }
  return false;
}

std::unexpected<Error> unknown(std::string_view kind, const std::string& name, std::string_view file) {
  return fail(Error(Code::not_found, "unable to find " + std::string(kind) + " " + name)
                  .why("no matching entries in " + std::string(file) + " file")
                  .hint("use one from /etc/" + std::string(file) + " in the image, or use a number")
                  .about(Subject::user, name));
}

// By name first: a user may be *called* 1000.
bool lookup_user(std::string_view passwd, const std::string& text, ResolvedUser& into) {
  const auto take = [&into](const std::vector<std::string>& fields) {
    const auto uid = parse_id(fields[2]);
    const auto gid = parse_id(fields[3]);
    if (!uid || !gid) return false;
    into.uid = *uid;
    into.gid = *gid;
    into.name = fields[0];
    into.home = fields[5].empty() ? "/" : fields[5];
    return true;
  };
  if (find_line(passwd, 6, [&](const auto& fields) { return fields[0] == text && take(fields); })) return true;
  const auto number = parse_id(text);
  if (!number) return false;
  if (find_line(passwd, 6, [&](const auto& fields) { return parse_id(fields[2]) == number && take(fields); }))
    return true;
  into = ResolvedUser{};
  into.uid = *number;
  return true;
}

std::optional<std::uint32_t> lookup_group(std::string_view group, const std::string& text) {
  std::optional<std::uint32_t> found;
  find_line(group, 3, [&](const auto& fields) {
    if (fields[0] == text) found = parse_id(fields[2]);
    return found.has_value();
  });
  return found ? found : parse_id(text);
}

void add_group(std::vector<std::uint32_t>& groups, std::uint32_t gid) {
  if (std::ranges::find(groups, gid) == groups.end()) groups.push_back(gid);
}

void add_memberships(std::string_view group, ResolvedUser& user) {
  find_line(group, 4, [&](const auto& fields) {
    const std::vector<std::string> members = split(fields[3], ',');
    if (std::ranges::find(members, user.name) == members.end()) return false;
    if (const auto gid = parse_id(fields[2])) add_group(user.groups, *gid);
    return false;
  });
}

// A missing file counts as empty: images from scratch have neither.
Result<std::string> read_table(int root, const std::string& path) {
  Result<Fd> fd = open_plain_in_root(root, path, O_RDONLY);
  if (!fd) {
    const int number = fd.error().sys_errno();
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) return std::string();
    return fail(std::move(fd).error());
  }
  return TRY_WRAP(read_all(fd->get(), max_file), "read the container's", path);
}

}  // namespace

Result<ResolvedUser> resolve_user_in(std::string_view passwd, std::string_view group, const std::string& user,
                                     const std::vector<std::string>& group_add) {
  const std::size_t colon = user.find(':');
  std::string name = user.substr(0, colon);
  const std::string group_name = colon == std::string::npos ? "" : user.substr(colon + 1);
  if (name.empty()) name = "0";

  ResolvedUser resolved;
  if (!lookup_user(passwd, name, resolved)) return unknown("user", name, "passwd");
  if (!group_name.empty()) {
    const auto gid = lookup_group(group, group_name);
    if (!gid) return unknown("group", group_name, "group");
    resolved.gid = *gid;
  } else if (!resolved.name.empty()) {
    add_memberships(group, resolved);
  }
  for (const std::string& extra : group_add) {
    const auto gid = lookup_group(group, extra);
    if (!gid) return fail(unknown("group", extra, "group").error().about(Subject::setting, "group_add/" + extra));
    add_group(resolved.groups, *gid);
  }
  // Docker gives uid 0 the home directory /root even without a passwd file.
  if (resolved.uid == 0 && resolved.name.empty()) resolved.home = "/root";
  return resolved;
}

Result<ResolvedUser> resolve_user(int root, const std::string& user, const std::vector<std::string>& group_add) {
  const std::string passwd = TRY(read_table(root, "/etc/passwd"));
  const std::string group = TRY(read_table(root, "/etc/group"));
  return resolve_user_in(passwd, group, user, group_add);
}

namespace {

// The number for a part of "user[:group]": "root" and "" are 0, -1 leaves the owner unchanged.
std::optional<std::uint32_t> owner_number(std::string_view text) {
  if (text.empty() || text == "root") return 0;
  const auto number = parse_signed(text);
  if (!number || *number > INT32_MAX || *number < INT32_MIN) return std::nullopt;
  return static_cast<std::uint32_t>(*number);
}

struct OwnerParts {
  std::string user;
  std::optional<std::string> group;
};
OwnerParts owner_parts(const std::string& text) {
  const std::size_t colon = text.find(':');
  if (colon == std::string::npos) return {text, std::nullopt};
  return {text.substr(0, colon), text.substr(colon + 1)};
}

}  // namespace

bool names_an_owner(const std::string& text) {
  const auto [user, group] = owner_parts(text);
  return !owner_number(user) || (group && !owner_number(*group));
}

Result<Ownership> resolve_ownership(int root, const std::string& text) {
  const auto [user, group] = owner_parts(text);
  Ownership owner;
  if (const auto number = owner_number(user)) {
    owner.uid = owner.gid = *number;
  } else {
    const std::string passwd = TRY(read_table(root, "/etc/passwd"));
    const bool found = find_line(passwd, 4, [&](const auto& fields) {
      const auto uid = parse_id(fields[2]);
      const auto gid = parse_id(fields[3]);
      if (fields[0] != user || !uid || !gid) return false;
      owner.uid = *uid;
      owner.gid = *gid;
      return true;
    });
    if (!found) owner.unknown = "user " + user;
  }
  if (!group) return owner;
  if (const auto number = owner_number(*group)) {
    owner.gid = *number;
  } else {
    const std::string groups = TRY(read_table(root, "/etc/group"));
    const bool found = find_line(groups, 3, [&](const auto& fields) {
      const auto gid = parse_id(fields[2]);
      if (fields[0] != *group || !gid) return false;
      owner.gid = *gid;
      return true;
    });
    if (!found && owner.unknown.empty()) owner.unknown = "group " + *group;
  }
  return owner;
}

}  // namespace consort::runtime
