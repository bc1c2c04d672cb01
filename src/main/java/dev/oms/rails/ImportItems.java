package dev.oms.rails;

import dev.oms.http.Statements;
import dev.oms.http.Texts;
import dev.oms.inventory.MovementKind;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Pattern;

/**
 * Takes over the items and their stock. Holds all of them in memory, because orders name their items.
 *
 * <p>The ledger of an item has to add up to the stock that is there, and to explain what each order took. So an item
 * opens with its stock and with what its orders take, which the orders' movements then bring down to the stock. On a
 * later run, what the orders do not explain is a correction.
 */
final class ImportItems {
    static final String TABLE = "inventory_items";

    private static final int PAGE = 1_000;
    private static final String OPENING = "Taken over from the Rails service, with what its orders took";
    private static final String RESTOCKED = "Restocked in the Rails service";
    private static final String CORRECTED = "Changed in the Rails service";

    private static final Pattern PRINTABLE = Pattern.compile(Texts.PRINTABLE);

    private static final String KNOWN = """
            select id, name, threshold, created_at, updated_at, archived_at is not null from inventory_items
            where id > ? order by id limit ?""";

    private static final String QUANTITIES = "select id, quantity from inventory_items where id = any(?)";

    private static final String ARCHIVE = """
            update inventory_items set archived_at = ?, version = version + 1
            where id = any(?) and archived_at is null""";

    private static final String UPDATE = """
            update inventory_items set name = ?, threshold = ?, created_at = ?, updated_at = ?, archived_at = null,
                version = version + 1
            where id = ?""";

    private final RailsDatabase source;
    private final Target target;
    private final Rejects rejects;
    private final Progress progress;
    private final Instant now;

    /** Those that can be carried over. */
    private final Map<Long, Item> items = new TreeMap<>();

    private final Map<String, Item> byName = new HashMap<>();
    private final Set<String> rejectedNames = new HashSet<>();
    private final Map<Long, Known> known = new HashMap<>();

    ImportItems(RailsDatabase source, Target target, Rejects rejects, Progress progress, Instant now) {
        this.source = source;
        this.target = target;
        this.rejects = rejects;
        this.progress = progress;
        this.now = now;
    }

    /** An item of the source, as it is there. */
    private record Row(long id, String name, String quantity, String threshold, Times times) {
        static Row read(ResultSet row) throws SQLException {
            return new Row(
                    row.getLong(1),
                    RailsDatabase.text(row, 2),
                    RailsDatabase.text(row, 3),
                    RailsDatabase.text(row, 4),
                    Times.read(row, 5));
        }

        Item item() throws Unacceptable {
            Ids.require(id, Ids.ITEM_MAX);
            String normalized = name == null ? "" : Texts.normalizeName(name);
            if (normalized.isBlank()) {
                throw new Unacceptable("has no name");
            }
            if (normalized.length() > Texts.NAME_MAX) {
                throw new Unacceptable("has a name of more than " + Texts.NAME_MAX + " characters");
            }
            if (!Texts.isStorable(normalized)) {
                throw new Unacceptable("has a name that is not UTF-8: " + Rejects.quote(normalized));
            }
            if (!PRINTABLE.matcher(normalized).matches()) {
                throw new Unacceptable(
                        "has a name with control, invisible or private characters, " + Rejects.quote(normalized));
            }
            if (quantity == null) {
                throw new Unacceptable("has no quantity");
            }
            times.require();
            return new Item(
                    id,
                    normalized,
                    Numbers.parse("quantity", quantity),
                    // No quantity is below a negative threshold, or below none.
                    threshold == null ? 0 : Numbers.parseFromZero("threshold", threshold),
                    times);
        }
    }

    /** An item that can be carried over. */
    record Item(long id, String name, long quantity, long threshold, Times times) {}

    /** An item of an earlier run. */
    private record Known(String name, long threshold, Times times, boolean isArchived) {
        boolean matches(Item item) {
            return !isArchived && name.equals(item.name) && threshold == item.threshold && item.times.match(times);
        }
    }

    /** Reads all items, and decides which of them can be carried over. */
    void read() throws SQLException {
        readKnown();
        Set<Long> found = new HashSet<>();
        Map<Long, Item> valid = new TreeMap<>();
        long after = Long.MIN_VALUE;
        List<Row> page;
        do {
            page = readRows(after);
            for (Row row : page) {
                after = row.id;
                found.add(row.id);
                try {
                    source.requireUnique(TABLE, row.id);
                    valid.put(row.id, row.item());
                } catch (Unacceptable e) {
                    reject(row.id, row.name, e.getMessage());
                }
            }
            progress.read(page.size());
        } while (page.size() == PAGE);
        while (accept(valid, found)) {
            // Until none is rejected that keeps a name of its own.
        }
        known.keySet().removeIf(id -> found.contains(id) && !items.containsKey(id));
    }

    /**
     * Accepts the items that have a name of their own, and rejects the others.
     *
     * @param valid those that are not rejected yet
     * @param found all of the source
     * @return whether it has rejected an item that is on sale in the target, under a name that another one may have got
     */
    private boolean accept(Map<Long, Item> valid, Set<Long> found) {
        items.clear();
        byName.clear();
        Map<String, Long> taken = new HashMap<>();
        known.forEach((id, item) -> {
            if (found.contains(id) && !valid.containsKey(id) && !item.isArchived) {
                taken.put(item.name, id);
            }
        });
        boolean again = false;
        for (Item item : List.copyOf(valid.values())) {
            Long other = taken.putIfAbsent(item.name, item.id);
            if (other == null) {
                items.put(item.id, item);
                byName.put(item.name, item);
            } else {
                valid.remove(item.id);
                reject(item.id, item.name, "has the same name as item " + other + ", " + Rejects.quote(item.name));
                again |= known.containsKey(item.id);
            }
        }
        return again;
    }

    private void reject(long id, String name, String reason) {
        rejects.add(TABLE, id, reason);
        if (name != null) {
            rejectedNames.add(Texts.normalizeName(name));
        }
    }

    private List<Row> readRows(long after) throws SQLException {
        List<Row> rows = new ArrayList<>();
        source.readItems(after, Long.MAX_VALUE, PAGE, row -> rows.add(Row.read(row)));
        return rows;
    }

    private void readKnown() throws SQLException {
        long after = Long.MIN_VALUE;
        LinkedHashMap<Long, Known> page;
        do {
            page = knownPage(after);
            known.putAll(page);
            after = page.isEmpty() ? after : page.lastEntry().getKey();
        } while (page.size() == PAGE);
    }

    private LinkedHashMap<Long, Known> knownPage(long after) throws SQLException {
        return target.read(connection -> {
            LinkedHashMap<Long, Known> page = new LinkedHashMap<>();
            try (PreparedStatement statement = Statements.prepare(connection, KNOWN, after, PAGE);
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    page.put(
                            row.getLong(1),
                            new Known(row.getString(2), row.getLong(3), Times.read(row, 4), row.getBoolean(6)));
                }
            }
            return page;
        });
    }

    /**
     * The item that an order means.
     *
     * @param name in its normal form
     */
    Item named(String name) throws Unacceptable {
        Item item = byName.get(name);
        if (item == null) {
            throw new Unacceptable(
                    rejectedNames.contains(name)
                            ? "has the item " + Rejects.quote(name) + ", which is not taken over"
                            : "has the item " + Rejects.quote(name) + ", which does not exist");
        }
        return item;
    }

    private boolean hasChanged(Item item) {
        Known before = known.get(item.id);
        return before == null || !before.matches(item);
    }

    /** How many items are to be written. */
    long changes() {
        return items.values().stream().filter(this::hasChanged).count();
    }

    /**
     * Writes the items, with enough stock for what the orders will take.
     *
     * @param deductions what the orders will take, by item
     */
    void write(Map<Long, Long> deductions) throws SQLException {
        free();
        List<Item> page = new ArrayList<>();
        for (Item item : items.values()) {
            if (hasChanged(item)) {
                page.add(item);
            }
            if (page.size() == PAGE) {
                write(page, deductions);
                page.clear();
            }
        }
        write(page, deductions);
        restock(deductions);
    }

    /** Archives items that are gone, and renamed ones until {@code write}, so that names can be exchanged. */
    private void free() throws SQLException {
        List<Long> freed = known.entrySet().stream()
                .filter(entry -> {
                    Item item = items.get(entry.getKey());
                    return !entry.getValue().isArchived && (item == null || !item.name.equals(entry.getValue().name));
                })
                .map(Map.Entry::getKey)
                .toList();
        if (!freed.isEmpty()) {
            target.inTransaction(connection ->
                    Target.update(connection, ARCHIVE, now.atOffset(ZoneOffset.UTC), Target.longs(connection, freed)));
        }
    }

    private void write(List<Item> page, Map<Long, Long> deductions) throws SQLException {
        if (page.isEmpty()) {
            return;
        }
        target.inTransaction(connection -> {
            try (PreparedStatement update = connection.prepareStatement(UPDATE)) {
                Target.Rows rows =
                        new Target.Rows("inventory_items (id, name, quantity, threshold, created_at, updated_at)");
                Target.Rows openings = Movements.rows();
                for (Item item : page) {
                    Known before = known.get(item.id);
                    Times times = before == null ? item.times.orElse(now) : item.times.orElse(before.times);
                    if (before != null) {
                        update.setString(1, item.name);
                        update.setLong(2, item.threshold);
                        update.setObject(3, times.created().atOffset(ZoneOffset.UTC));
                        update.setObject(4, times.updated().atOffset(ZoneOffset.UTC));
                        update.setLong(5, item.id);
                        update.addBatch();
                        progress.changed(1);
                    } else {
                        long opening = item.quantity + deductions.getOrDefault(item.id, 0L);
                        rows.add(item.id, item.name, opening, item.threshold, times.created(), times.updated());
                        openings.add(
                                item.id,
                                null,
                                MovementKind.OPENING.name(),
                                opening,
                                opening,
                                OPENING,
                                Target.ACTOR,
                                times.created());
                        progress.added(1);
                    }
                }
                update.executeBatch();
                rows.insert(connection);
                openings.insert(connection);
            }
            return null;
        });
    }

    /** Raises the stock of items that would not suffice for what the orders will take. */
    private void restock(Map<Long, Long> deductions) throws SQLException {
        for (List<Long> page : pages(deductions.keySet())) {
            Map<Long, Long> quantities = quantities(page);
            page.removeIf(id -> quantities.getOrDefault(id, 0L) >= deductions.get(id));
            correct(page, RESTOCKED, (id, quantity) -> Math.max(0, deductions.get(id) - quantity));
        }
    }

    /** Brings the stock of all items to that of the source. */
    void settle() throws SQLException {
        for (List<Long> page : pages(items.keySet())) {
            Map<Long, Long> quantities = quantities(page);
            page.removeIf(id -> quantities.get(id) == items.get(id).quantity);
            correct(page, CORRECTED, (id, quantity) -> items.get(id).quantity - quantity);
        }
    }

    /** By how much to correct the quantity of an item. */
    private interface Correction {
        long of(long id, long quantity);
    }

    private void correct(List<Long> ids, String reason, Correction correction) throws SQLException {
        if (ids.isEmpty()) {
            return;
        }
        target.inTransaction(connection -> {
            Movements movements = new Movements();
            Movements.lock(connection, ids).forEach((id, quantity) -> {
                long delta = correction.of(id, quantity);
                if (delta != 0) {
                    movements.add(id, null, MovementKind.CORRECTION, delta, reason, now);
                }
            });
            movements.write(connection);
            return null;
        });
    }

    private static List<List<Long>> pages(Set<Long> ids) {
        List<Long> all = List.copyOf(new TreeSet<>(ids));
        List<List<Long>> pages = new ArrayList<>();
        for (int i = 0; i < all.size(); i += PAGE) {
            pages.add(new ArrayList<>(all.subList(i, Math.min(i + PAGE, all.size()))));
        }
        return pages;
    }

    private Map<Long, Long> quantities(List<Long> ids) throws SQLException {
        return target.read(connection -> {
            Map<Long, Long> quantities = new HashMap<>();
            try (PreparedStatement statement =
                            Statements.prepare(connection, QUANTITIES, Target.longs(connection, ids));
                    ResultSet row = statement.executeQuery()) {
                while (row.next()) {
                    quantities.put(row.getLong(1), row.getLong(2));
                }
            }
            return quantities;
        });
    }
}
