"""The input files of a user's own book, column by column: what readers, errors, templates and docs share."""

from __future__ import annotations

from seawall.tables.frames import Column

ACCOUNT_COLUMNS = (
    Column(
        "account",
        "text",
        True,
        "name of the account; one row per account and asset",
        "alice",
        aliases=("account_id", "user"),
    ),
    Column("asset", "text", True, "asset held", "USDC", aliases=("currency", "coin")),
    Column(
        "cash",
        "decimal",
        True,
        "balance in units of the asset",
        "1000.50",
        aliases=("balance", "wallet_balance", "total"),
    ),
    Column("owner", "text", False, "who owns it; linked accounts share an owner", "alice", "the account"),
    Column("member", "text", False, "clearing member it belongs to", "m1", "none"),
    Column("role", "text", False, "trader, market_maker, fund, backstop or outside", "trader", "trader"),
)
POSITION_COLUMNS = (
    Column("account", "text", True, "account that holds it", "alice", aliases=("account_id", "user")),
    Column("market", "text", True, "market it is in; one row per account and market", "BTC-PERP", aliases=("symbol",)),
    Column("size", "decimal", False, "signed size in base units (inverse: in quote units); or give lots", "-0.5"),
    Column("lots", "whole", False, "signed size in lots, instead of size", "-500"),
    Column("contracts", "decimal", False, "unsigned number of lots with side, instead of size", "500"),
    Column("side", "text", False, "long or short, with contracts", "short"),
    Column("entry_price", "price", True, "average entry price", "61250.5", aliases=("entryPrice", "entry")),
    Column("margin_mode", "text", False, "cross or isolated", "cross", "cross", aliases=("marginMode",)),
    Column(
        "isolated_margin",
        "decimal",
        False,
        "cash set aside for an isolated position, part of the account's cash",
        "100",
        "0",
        aliases=("initialMargin", "isolatedMargin"),
    ),
)
MARKET_COLUMNS = (
    Column("market", "text", True, "symbol of the market", "BTC-PERP", aliases=("symbol",)),
    Column("base", "text", True, "underlying coin", "BTC"),
    Column("quote", "text", True, "currency of its price", "USD"),
    Column("settle", "text", True, "asset that profit is paid in", "USDC"),
    Column(
        "lot",
        "decimal",
        True,
        "base units in one lot (inverse: quote units)",
        "0.001",
        aliases=("contractSize", "contract_size"),
    ),
    Column("mark_scale", "whole", True, "decimals of a mark", "3"),
    Column(
        "brackets",
        "brackets",
        True,
        "floor:initial:maintenance, semicolons between; floors in settle units",
        "0:0.02:0.01;100000:0.05:0.025",
    ),
    Column("bracket_mode", "text", False, "marginal or whole", "marginal", "marginal"),
    Column("kind", "text", False, "perpetual, future or option", "perpetual", "perpetual", aliases=("type",)),
    Column("inverse", "flag", False, "true when profit is paid in the base coin", "false", "false"),
    Column("tick", "whole", False, "order price step in units of the mark", "1", "1"),
    Column("expiry", "time", False, "last moment of a future or option, UTC", "", ""),
    Column("strike", "price", False, "strike of an option", "", ""),
    Column("right", "text", False, "call or put", "", ""),
    Column("mark", "price", False, "mark at the time of the book", "61300", "the first price of the path"),
)
ASSET_COLUMNS = (
    Column("asset", "text", True, "name of the asset", "USDC"),
    Column("decimals", "whole", True, "decimals the ledger keeps", "6"),
    Column("book_scale", "whole", False, "decimals the margin book keeps", "6", "at most 8"),
)
SPECIFICATION = {
    "accounts": ACCOUNT_COLUMNS,
    "positions": POSITION_COLUMNS,
    "markets": MARKET_COLUMNS,
    "assets": ASSET_COLUMNS,
}
DOLLAR_ASSETS = frozenset({"USD", "USDC", "USDT", "DAI", "USDE", "FDUSD"})


def template_files() -> dict[str, str]:
    """A tiny sound book as CSV text, every column present: two traders and one market."""
    other = {
        "accounts": {"account": "bob", "owner": "bob", "cash": "5000"},
        "positions": {"account": "bob", "size": "0.5"},
    }
    files = {}
    for name, columns in SPECIFICATION.items():
        kept = [c for c in columns if c.name not in ("lots", "contracts", "side")]
        rows = [[c.example for c in kept]]
        if name in other:
            rows.append([other[name].get(c.name, c.example) for c in kept])
        if name == "accounts":
            rows[0][[c.name for c in kept].index("cash")] = "5000.50"
        lines = [",".join(c.name for c in kept), *(",".join(r) for r in rows)]
        files[f"{name}.csv"] = "\n".join(lines) + "\n"
    return files


def columns_markdown() -> str:
    """The column-by-column specification as a page of documentation."""
    lines = []
    for name, columns in SPECIFICATION.items():
        lines += [
            f"## {name}",
            "",
            "| column | kind | required | meaning | example | default |",
            "|---|---|---|---|---|---|",
        ]
        for c in columns:
            also = f" (also read as {', '.join(c.aliases)})" if c.aliases else ""
            lines.append(
                f"| `{c.name}` | {c.kind} | {'yes' if c.required else 'no'} | {c.meaning}{also} | `{c.example}` | {c.default} |"
            )
        lines.append("")
    return "\n".join(lines)
