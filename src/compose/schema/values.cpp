// Values of many attributes: scalars, lists, free mappings.
#include "compose/schema/shapes.hpp"

namespace consort::compose::shapes {

// Scalars.
constexpr Shape text{.name = "string", .types = type::string};
constexpr Shape text_or_null{.name = "string", .types = type::string | type::null};
constexpr Shape flag{.name = "boolean", .types = type::boolean | type::string, .example = "true"};
constexpr Shape strict_flag{.name = "boolean", .types = type::boolean, .example = "true"};
constexpr Shape whole{.name = "whole number", .types = type::integer | type::string, .example = "3"};
constexpr Shape strict_whole{.name = "whole number", .types = type::integer, .example = "3"};
constexpr Shape numeric{.name = "number", .types = type::number | type::string, .example = "1.5"};
constexpr Shape strict_number{.name = "number", .types = type::number, .example = "10"};
constexpr Shape duration{.name = "duration", .types = type::string, .example = "30s"};
constexpr Shape size{.name = "size", .types = type::number | type::string, .example = "512m"};
constexpr Shape size_integer{.name = "size", .types = type::integer | type::string, .example = "512m"};
constexpr Shape size_text{.name = "size", .types = type::string, .example = "512M"};
constexpr Shape text_or_number{.name = "string or number", .types = type::string | type::number};
constexpr Shape text_or_integer{.name = "string or whole number", .types = type::string | type::integer};
constexpr Shape text_or_flag{.name = "string or boolean", .types = type::string | type::boolean};
constexpr Shape option_value{.name = "string or number", .types = type::string | type::number | type::null};
constexpr Shape scalar_value{.name = "string, number or boolean",
                             .types = type::string | type::number | type::boolean | type::null};
constexpr Shape count_0{
    .name = "whole number", .types = type::integer | type::string, .example = "2", .minimum = 0, .maximum = 1e18};
constexpr Shape percent{
    .name = "whole number", .types = type::integer | type::string, .example = "50", .minimum = 0, .maximum = 100};
constexpr Shape oom_score{.name = "whole number",
                          .types = type::integer | type::string,
                          .example = "-500",
                          .minimum = -1000,
                          .maximum = 1000};
constexpr Shape file_mode{.name = "file mode", .types = type::number | type::string, .example = "0440"};

// Lists and free mappings.
constexpr Shape texts{.name = "list", .types = type::sequence, .example = "[one, two]", .item = &text};
constexpr Shape unique_texts{
    .name = "list", .types = type::sequence, .example = "[one, two]", .item = &text, .unique = true};
constexpr Shape unique_scalars{
    .name = "list", .types = type::sequence, .example = "[\"8000\"]", .item = &text_or_number, .unique = true};
constexpr Shape text_or_texts{.name = "string or list",
                              .types = type::string | type::sequence,
                              .example = "[one, two]",
                              .item = &text,
                              .unique = true};
constexpr Shape text_or_any_texts{.name = "string or list", .types = type::string | type::sequence, .item = &text};
constexpr Shape command{.name = "command: string or list",
                        .types = type::null | type::string | type::sequence,
                        .example = "[\"python\", \"app.py\"]",
                        .item = &text};
constexpr Shape list_or_map{.name = "mapping or list",
                            .types = type::mapping | type::sequence,
                            .example = "{KEY: value} or [KEY=value]",
                            .item = &text,
                            .unique = true,
                            .value = &scalar_value,
                            .keys = KeyRule::not_empty};
constexpr Shape option_map{
    .name = "mapping", .types = type::mapping, .example = "{key: value}", .value = &text_or_number};
constexpr Shape text_map{.name = "mapping", .types = type::mapping, .value = &text, .keys = KeyRule::not_empty};
constexpr Shape host_addresses{
    .name = "address or list of addresses", .types = type::string | type::sequence, .item = &text};
constexpr Shape extra_hosts{.name = "list or mapping",
                            .types = type::mapping | type::sequence,
                            .example = "[\"host=1.2.3.4\"]",
                            .item = &text,
                            .unique = true,
                            .value = &host_addresses,
                            .keys = KeyRule::not_empty};

// Nested values shared by services and builds.
constexpr string_view soft_hard[]{"soft", "hard"};
constexpr Field ulimit_fields[]{{"hard", &whole}, {"soft", &whole}};
constexpr Shape ulimit{.name = "number or mapping",
                       .types = type::integer | type::string | type::mapping,
                       .example = "65535 or {soft: 20000, hard: 40000}",
                       .fields = ulimit_fields,
                       .required = soft_hard};
constexpr Shape ulimits{.name = "mapping",
                        .types = type::mapping,
                        .example = "{nofile: 65535}",
                        .value = &ulimit,
                        .keys = KeyRule::lower_letters};

constexpr Field reference_fields[]{
    {"source", &text}, {"target", &text}, {"uid", &text}, {"gid", &text}, {"mode", &file_mode}};
constexpr Shape file_reference{.name = "name or mapping",
                               .types = type::string | type::mapping,
                               .example = "{source: name, target: /path}",
                               .fields = reference_fields};
constexpr Shape file_references{.name = "list", .types = type::sequence, .example = "[name]", .item = &file_reference};

}  // namespace consort::compose::shapes
