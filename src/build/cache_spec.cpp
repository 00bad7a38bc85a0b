#include "build/cache_spec.hpp"

#include <algorithm>
#include <map>

#include "base/strings.hpp"
#include "image/reference.hpp"

namespace consort::build {
namespace {

Error wrong(std::string_view text, CacheSide side, std::string why) {
  return Error(Code::invalid)
      .why(std::string("invalid ") + (side == CacheSide::from ? "cache_from" : "cache_to") + " \"" +
           std::string(text.substr(0, 200)) + "\": " + std::move(why));
}

// A line of comma-separated values: a quoted field may contain commas, and doubled quotes.
std::vector<std::string> fields_of(std::string_view text) {
  std::vector<std::string> fields(1);
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"' && quoted && i + 1 < text.size() && text[i + 1] == '"') {
      fields.back() += text[++i];
    } else if (text[i] == '"' && (quoted || fields.back().empty())) {
      quoted = !quoted;
    } else if (text[i] == ',' && !quoted) {
      fields.emplace_back();
    } else {
      fields.back() += text[i];
    }
  }
  return fields;
}

using Attributes = std::map<std::string, std::string>;

Result<Attributes> attributes_of(const std::vector<std::string>& fields, std::string_view text, CacheSide side) {
  Attributes attributes;
  for (const std::string& field : fields) {
    const auto equals = field.find('=');
    if (equals == std::string::npos) return fail(wrong(text, side, "invalid value " + field));
    attributes[to_lower(trim(field.substr(0, equals)))] = field.substr(equals + 1);
  }
  return attributes;
}

std::string take(const Attributes& attributes, const std::string& key) {
  const auto found = attributes.find(key);
  return found == attributes.end() ? "" : found->second;
}

Result<CacheSpec> spec_of(const Attributes& attributes, std::string_view text, CacheSide side) {
  CacheSpec spec;
  spec.type_name = take(attributes, "type");
  if (spec.type_name.empty()) return fail(wrong(text, side, "type required"));
  const std::string mode = take(attributes, "mode");
  if (!mode.empty() && mode != "min" && mode != "max")
    return fail(wrong(text, side, "invalid mode \"" + mode + "\": it is min or max"));
  spec.mode = mode == "max" ? CacheSpec::Mode::max : CacheSpec::Mode::min;
  if (take(attributes, "ignore-error") == "true") spec.on_error = CacheSpec::OnError::go_on;
  if (spec.type_name == "registry") {
    spec.reference = take(attributes, "ref");
    if (spec.reference.empty()) return fail(wrong(text, side, "ref is missing"));
  } else if (spec.type_name == "local") {
    spec.type = CacheSpec::Type::local;
    const char* key = side == CacheSide::from ? "src" : "dest";
    spec.directory = take(attributes, key);
    if (spec.directory.empty()) return fail(wrong(text, side, std::string(key) + " is missing"));
    spec.tag = take(attributes, "tag");
    if (side == CacheSide::from) spec.digest = take(attributes, "digest");
  } else if (spec.type_name == "inline" && side == CacheSide::to) {
    spec.type = CacheSpec::Type::inline_;
  } else {
    spec.type = CacheSpec::Type::unsupported;
  }
  return spec;
}

Result<> check(const CacheSpec& spec, std::string_view text, CacheSide side) {
  if (spec.type == CacheSpec::Type::registry) {
    const auto reference = image::Reference::parse(spec.reference);
    if (!reference) return fail(wrong(text, side, reference.error().message()));
    if (side == CacheSide::to && reference->digest)
      return fail(wrong(text, side, "a digest cannot be written to, give a tag"));
  }
  if (!spec.digest.empty() && !image::Digest::parse(spec.digest))
    return fail(wrong(text, side, "invalid digest " + spec.digest));
  return {};
}

}  // namespace

Result<std::vector<CacheSpec>> parse_cache_spec(std::string_view text, CacheSide side) {
  const std::vector<std::string> fields = fields_of(text);
  std::vector<CacheSpec> specs;
  if (text.find('=') == std::string_view::npos) {
    for (const std::string& field : fields) {
      CacheSpec spec;
      spec.type_name = "registry";
      spec.reference = field;
      specs.push_back(std::move(spec));
    }
  } else {
    specs.push_back(TRY(spec_of(TRY(attributes_of(fields, text, side)), text, side)));
  }
  for (const CacheSpec& spec : specs) TRY(check(spec, text, side));
  return specs;
}

}  // namespace consort::build
