"""What a connector may do: its manifest checked, and each request against it. The rules are those of wit/HOSTS.md."""

import base64
import ipaddress
import json
import re
from urllib.parse import parse_qsl, quote, quote_plus, urlsplit

FRAMING = re.compile(r"host|content-length|transfer-encoding|accept-encoding|connection|te|upgrade|expect|cookie|proxy-.*")
LABEL = re.compile(r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?")
ALLOWED = re.compile(r"(/?[A-Za-z0-9\-._~!$&'()*+,;=:@%/{}]*)(\?[A-Za-z0-9\-._~!$&'()*+,;=:@%/?\[\]|]*)?")
TEMPLATE = re.compile(r"\{([^{}]+)\}")


class Refused(Exception):
    """The rule that forbids it, and why."""


def refuse(rule, why):
    raise Refused(f"{rule}: {why}")


def check_manifest(m):
    for kind in ("schemes", "endpoints", "limits", "secret-uses", "settings", "objects"):
        names = [one["name"] for one in m[kind]]
        if "" in names or len(set(names)) < len(names):
            refuse("H-3", f"a name among the {kind} is empty or declared twice")
    known = {kind: {one["name"]: one for one in m[kind]} for kind in ("limits", "secret-uses", "settings", "objects")}
    for limit in m["limits"]:
        amount = limit["measure"].payload
        if 0 in (amount.values() if isinstance(amount, dict) else [amount]):
            refuse("H-3", f"the limit {limit['name']} allows nothing")
    for use in m["secret-uses"]:
        if use["place"].tag == "other":
            refuse("H-3", f"this host does not know the place {use['place'].payload}")
    for name in m["delivery-secrets"]:
        name in known["secret-uses"] or refuse("H-3", f"the secret use {name} is not declared")
    for one in m["settings"]:
        if one["form"].tag == "url" and "*" in one["form"].payload and one["setter"] == "connector":
            refuse("H-7", f"the connector may learn no URL of any host: {one['name']}")
        if one["form"].tag == "id-of" and one["form"].payload not in known["objects"]:
            refuse("H-3", f"{one['form'].payload} is no object")
    operators = {field["name"] for scheme in m["schemes"] for field in scheme["secrets"] if field["setter"] == "operator"}
    for e in m["endpoints"]:
        if not re.fullmatch("[A-Z]+", e["method"]):
            refuse("H-3", f"the endpoint {e['name']} needs an upper-case method")
        for kind in ("limits", "secret-uses"):
            for name in e[kind]:
                name in known[kind] or refuse("H-3", f"the endpoint {e['name']} names {name}, which is not declared")
        if any(c["place"].tag not in ("json", "header") for c in e["captures"]):
            refuse("H-3", f"the endpoint {e['name']} captures outside json and header")
        form = check_origin(e, known["settings"])
        is_open = form and "*" in form["form"].payload and form["setter"] == "customer"
        if is_open and operators & {known["secret-uses"][name]["secret"] for name in e["secret-uses"]}:
            refuse("H-8", f"the operator's secret would go where a customer says: {e['name']}")


def check_origin(endpoint, settings):
    """The setting that is the whole origin, if one is."""
    origin = endpoint["origin"]
    names = TEMPLATE.findall(origin)
    if any(name not in settings for name in names):
        refuse("H-4", f"{origin} names a setting that is not declared")
    whole = TEMPLATE.fullmatch(origin)
    if whole:
        setting = settings[whole[1]]
        return setting if setting["form"].tag == "url" else refuse("H-4", f"{origin} needs a setting of form url")
    forms = {name: settings[name]["form"] for name in names}
    if not origin.startswith("https://") or any(form.tag not in ("label", "choice") for form in forms.values()):
        refuse("H-4", f"{origin} is not https and literal but for labels and choices")
    host, _, port = origin[8:].partition(":")
    literal = TEMPLATE.sub("x", host)
    if port and not re.fullmatch("[1-9][0-9]{0,4}", port) or literal != literal.lower() or not all(map(LABEL.fullmatch, literal.split("."))):
        refuse("H-4", f"the host of {origin} is no name in lower case")
    # Without a Public Suffix List: two literal labels at the end, the first of them longer than three letters.
    tail = host.rpartition("}")[2].split(".")[1:] if names else ["long", "enough"]
    if len(tail) < 2 or len(tail[-2]) <= 3 or re.fullmatch("[0-9.]+", literal):
        refuse("H-4", f"a customer would choose the domain of {origin}")
    return None


def check_setting(declared, value, by, private=False):
    name, form = declared["name"], declared["form"]
    if by != declared["setter"] and (by, declared["setter"]) != ("operator", "customer"):
        refuse("H-6", f"the setting {name} is given by the {declared['setter']}, and not by the {by}")
    loose = private and by == "operator"
    fits = not re.search(r"[\x00-\x1f\x7f]", value)
    if form.tag == "label":
        fits = LABEL.fullmatch(value)
    elif form.tag == "choice":
        fits = value in form.payload
    elif form.tag == "url":
        url = urlsplit(value)
        host = (url.hostname or "").rstrip(".").encode("idna").decode()
        is_public = url.scheme == "https" and url.port is None and not is_address(host)
        covered = any(p == "*" or p == host or p.startswith("*.") and host.endswith(p[1:]) and host != p[2:] for p in form.payload)
        plain = not (url.query or url.fragment or "@" in url.netloc or re.search(r"\s", value))
        fits = covered and plain and host and (is_public or loose and url.scheme in ("http", "https"))
    if not fits:
        refuse("H-6", f"the setting {name} cannot be {value!r}: it is of form {form.tag}")


def is_address(host):
    try:
        return bool(ipaddress.ip_address(host.strip("[]")))
    except ValueError:
        return False


def fill(template, settings):
    missing = [name for name in TEMPLATE.findall(template) if settings.get(name) is None]
    if missing:
        refuse("H-9", f"the setting {missing[0]} has no value")
    return TEMPLATE.sub(lambda found: settings[found[1]], template)


def match_path(pattern, asked):
    """Path and query of a request, if they are of the endpoint's shape."""
    found = ALLOWED.fullmatch(asked)
    path, query = (found[1], found[2] or "") if found else refuse("H-11", f"the path {asked!r} cannot be sent")
    for segment in path.split("/"):
        plain = re.sub("%2e", ".", segment, flags=re.I)
        if plain in (".", "..") or re.search(r"%(?![0-9a-f]{2})|%[01][0-9a-f]|%2f|%5c|%7f", segment, re.I):
            refuse("H-11", f"a segment of {asked!r} is not plain")
    wanted, given = pattern.split("/"), path.split("/")
    rest = wanted[-1] == "**"
    same = len(given) >= len(wanted) if rest else len(given) == len(wanted)
    fits = lambda w, g: w in ("*", "**") and "{" not in g and (g or w == "**") or w == g
    if not same or not all(fits(w, g) for w, g in zip(wanted, given)) or any("{" in g for g in given[len(wanted):]):
        refuse("H-11", f"the endpoint is for {pattern}, and not for {path!r}")
    return path, query


def place_secrets(m, endpoint, request, secrets, settings):
    """Target, headers and body of a request with its secrets, and how each stands there."""
    path, query = match_path(endpoint["path"], request["path-with-query"])
    headers = [(name.lower(), value) for name, value in request["headers"]]
    body, rendered = request["body"], []
    signs = any(key["role"] == "sign" for key in m["key-uses"])
    for name, value in headers:
        if FRAMING.fullmatch(name) or name == "authorization" and not signs or re.search(r"[^\t\x20-\x7e\x80-\xff]", value):
            refuse("H-12", f"the header {name} is not the connector's to set")
    uses = {use["name"]: use for use in m["secret-uses"] if use["name"] in endpoint["secret-uses"]}
    for name in request["secret-uses"]:
        name in uses or refuse("H-13", f"the endpoint {endpoint['name']} has no secret use {name}")
    content = dict(headers).get("content-type", "")
    for name, use in uses.items():
        place, asked = use["place"], name in request["secret-uses"]
        value = secrets(use["secret"]) if asked else None
        own = lambda is_there: is_there and refuse("H-12", f"something stands in the place of the secret use {name}")
        if place.tag in ("header", "basic-user", "basic-password"):
            header = place.payload["name"].lower() if place.tag == "header" else "authorization"
            own(any(it == header for it, _ in headers))
            if asked and place.tag == "header":
                text = place.payload["prefix"] + value
            elif asked:
                other = fill(place.payload, settings)
                pair = f"{value}:{other}" if place.tag == "basic-user" else f"{other}:{value}"
                text = "Basic " + base64.b64encode(pair.encode()).decode()
            if asked:
                headers.append((header, text))
                rendered.append(text.removeprefix("Basic "))
        elif place.tag == "query":
            own(any(it == place.payload for it, _ in parse_qsl(query[1:], keep_blank_values=True)))
            if asked:
                rendered.append(quote(value, safe=""))
                query = f"{query}{'&' if query else '?'}{quote(place.payload, safe='')}={rendered[-1]}"
        elif place.tag == "path":
            if ("{" + name + "}" in path) != asked:
                refuse("H-13", f"the place of {name} in the path and its use go together")
            if asked:
                rendered.append(place.payload + quote(value, safe="!$&'()*+,;=:@"))
                path = path.replace("{" + name + "}", rendered[-1])
        elif place.tag == "form-field":
            if body and not content.startswith("application/x-www-form-urlencoded"):
                refuse("H-12", f"the body cannot be read for the place of {name}")
            own(any(it == place.payload for it, _ in parse_qsl((body or b"").decode(), keep_blank_values=True)))
            if asked:
                rendered.append(quote_plus(value))
                body = b"&".join(filter(None, [body, f"{quote_plus(place.payload)}={rendered[-1]}".encode()]))
        elif place.tag == "json" and (body or asked):
            at = json_member((body or b"").decode("utf-8", "replace"), place.payload, "H-12" if not asked else "H-13")
            own(at and not asked)
            if asked:
                text = body.decode()
                if not at or text[at[0]:at[1]] != "null":
                    refuse("H-13", f"at {place.payload} null must stand")
                rendered.append(json.dumps(value, ensure_ascii=False))
                body = (text[:at[0]] + rendered[-1] + text[at[1]:]).encode()
    if "{" in path:
        refuse("H-13", "a place in the path is left empty")
    return path + query, headers, body, rendered


def json_member(text, pointer, rule):
    """Where the value at a pointer of members stands in a text; a doubled member is refused."""
    space, decoder = re.compile(r"[ \t\r\n]*"), json.JSONDecoder()
    skip = lambda at: space.match(text, at).end()
    try:
        json.loads(text)
        found = (skip(0), None)
        for token in pointer.split("/")[1:]:
            at, found, token = found[0], None, token.replace("~1", "/").replace("~0", "~")
            if text[at] != "{":
                return None
            at = skip(at + 1)
            while text[at] != "}":
                name, at = json.decoder.scanstring(text, at + 1)
                start = skip(skip(at) + 1)
                at = decoder.raw_decode(text, start)[1]
                if name == token:
                    if found:
                        refuse(rule, f"the member {token} stands there twice")
                    found = (start, at)
                at = skip(at)
                at = skip(at + 1) if text[at] == "," else at
            if not found:
                return None
        return found
    except (ValueError, RecursionError):
        refuse(rule, "the body is no JSON, so it cannot be read for a secret's place")


def forms(value):
    """A secret as it may come back: as it is, and as it was encoded on the way."""
    plain = {value, quote(value, safe=""), quote(value, safe="!$&'()*+,;=:@"), quote_plus(value)}
    plain |= {base64.b64encode(value.encode()).decode().rstrip("="), base64.b64encode(f"{value}:".encode()).decode()}
    quoted = {json.dumps(it, ensure_ascii=False)[1:-1] for it in plain}
    return plain | quoted | {json.dumps(it, ensure_ascii=False)[1:-1] for it in quoted}
