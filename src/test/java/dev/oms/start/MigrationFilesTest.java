package dev.oms.start;

import static java.util.regex.Pattern.CASE_INSENSITIVE;
import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Migrations that would stop the service on a large table while they run. What is allowed is in
 * {@code .github/CONTRIBUTING.md}. Migrations before V12 are from before these rules.
 */
class MigrationFilesTest {
    private static final Path MIGRATIONS = Path.of("src/main/resources/db/migration");
    private static final int FIRST_ONLINE = 12;

    private static final Pattern CREATE_TABLE = pattern("create table (?:if not exists )?(\\w+)");
    private static final Pattern RENAME_TABLE = pattern("alter table (\\w+) rename to (\\w+)");
    private static final Pattern DROP_TABLE = pattern("drop table (?:if exists )?(\\w+)");
    private static final Pattern CREATE_INDEX =
            pattern("create (?:unique )?index (concurrently )?(?:if not exists )?(\\w+) on (\\w+)");
    private static final Pattern DROP_INDEX = pattern("drop index (concurrently )?");
    private static final Pattern ALTER_TABLE = pattern("alter table (?:if exists )?(?:only )?(\\w+) ([^;]*)");

    private static final Pattern REWRITES_OR_SCANS = pattern("alter (?:column )?\\w+ (?:set data )?type "
            + "|set not null"
            + "|add (?:constraint \\w+ )?(?:primary key|unique|exclude)(?! using index)"
            + "|add (?:constraint \\w+ )?(?:check|foreign key)(?!.* not valid)"
            + "|add column .*(?:references|check|unique|primary key|generated|serial|default [^,]*\\()"
            + "|set (?:un)?logged|set tablespace|cluster on|attach partition");

    // Citus rejects it.
    private static final Pattern ADDS_A_CONSTRAINT =
            pattern("add (?:constraint |primary key|unique|check|exclude|foreign key)");

    // The search path names it: two installations may share a database.
    private static final Pattern NAMES_A_SCHEMA = pattern("\\b(?:public|pg_catalog)\\.|\\bschema\\b|\\bsearch_path\\b");

    private static final Pattern LOCKS_A_TABLE = pattern(
            "(?:^|; ?)(?:vacuum full|cluster|reindex (?!.*concurrently)|lock |truncate|refresh materialized view (?!concurrently))");

    private static Pattern pattern(String regex) {
        return Pattern.compile(regex, CASE_INSENSITIVE);
    }

    static Stream<Path> onlineMigrations() throws IOException {
        try (Stream<Path> files = Files.list(MIGRATIONS)) {
            return files
                    .filter(file -> file.toString().endsWith(".sql") && versionOf(file) >= FIRST_ONLINE)
                    .sorted()
                    .toList()
                    .stream();
        }
    }

    private static int versionOf(Path migration) {
        return Integer.parseInt(migration.getFileName().toString().replaceFirst("V(\\d+)__.*", "$1"));
    }

    @ParameterizedTest
    @MethodSource("onlineMigrations")
    void locksNoTableForLong(Path migration) throws IOException {
        Path settings = Path.of(migration + ".conf");
        boolean inTransaction =
                !Files.exists(settings) || !Files.readString(settings).strip().equals("executeInTransaction=false");

        assertThat(problemsOf(Files.readString(migration), inTransaction)).isEmpty();
    }

    @Test
    void objectsToReleasedMigrationsThatWereNotOnline() throws IOException {
        assertThat(problemsOf(Files.readString(MIGRATIONS.resolve("V11__merge_movement_indexes.sql")), true))
                .containsExactly(
                        "stock_movements: add constraint in an alter table of its own",
                        "stock_movements: one change per alter table",
                        "stock_movements: rewrites or scans the table",
                        "stock_movements: waits for its lock only once",
                        "drop index concurrently");
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            create index i on orders (id)                                     | orders: create index concurrently
            create unique index i on orders (id) where due is null            | orders: create index concurrently
            drop index concurrently if exists i; create index concurrently i on orders (id) \
                | concurrently needs executeInTransaction=false
            drop index i                                                      | drop index concurrently
            do $$ lock_not_available alter table orders alter id type numeric | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders alter column id set data type text | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders alter due set not null | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders add constraint c check (id > 0) | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders add foreign key (id) references t | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders add column at timestamptz default now() | orders: rewrites or scans the table
            do $$ lock_not_available alter table orders add a text, add b text | orders: one change per alter table
            alter table orders add a text                                     | orders: waits for its lock only once
            lock table orders                                                 | locks a whole table
            vacuum full orders                                                | locks a whole table
            create table t (id bigint); alter table t add constraint k primary key (id), add a text \
                | t: add constraint in an alter table of its own
            create table t (id bigint); alter table t add a text, add check ((id) > (0)) \
                | t: add constraint in an alter table of its own
            create table public.t (id bigint)                                 | names a schema
            set local search_path = shop                                      | names a schema
            """)
    void objectsTo(String sql, String problem) {
        assertThat(problemsOf(sql, true)).contains(problem);
    }

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
            true  | create table t (id bigint primary key); create index i on t (id); alter table t add a text, add b text
            true  | do $$ lock_not_available alter table orders add column note text default ''
            true  | do $$ lock_not_available alter table orders add constraint c check (id > 0) not valid
            true  | do $$ lock_not_available alter table orders add constraint c primary key using index i
            true  | do $$ lock_not_available alter table orders validate constraint c
            true  | create table t (id bigint); alter table t add constraint c unique (id, a); alter table t add a text, add b text
            false | drop index concurrently if exists i; create index concurrently i on orders (id)
            """)
    void accepts(boolean inTransaction, String sql) {
        assertThat(problemsOf(sql, inTransaction)).isEmpty();
    }

    @Test
    void objectsToAnIndexBuildThatCannotBeRepeated() {
        assertThat(problemsOf("create index concurrently i on orders (id)", false))
                .containsExactly("i: drop index concurrently if exists first");
    }

    @Test
    void checksTheRightsOfAllTables() throws IOException {
        Set<String> tables = new HashSet<>();
        try (Stream<Path> files = Files.list(MIGRATIONS)) {
            for (Path file : files.filter(each -> each.toString().endsWith(".sql"))
                    .sorted(Comparator.comparing(MigrationFilesTest::versionOf))
                    .toList()) {
                String sql = Files.readString(file);
                CREATE_TABLE.matcher(sql).results().forEach(table -> tables.add(table.group(1)));
                RENAME_TABLE.matcher(sql).results().forEach(table -> {
                    tables.remove(table.group(1));
                    tables.add(table.group(2));
                });
                DROP_TABLE.matcher(sql).results().forEach(table -> tables.remove(table.group(1)));
            }
        }

        assertThat(CheckRights.RIGHTS.keySet()).containsExactlyInAnyOrderElementsOf(tables);
    }

    private static List<String> problemsOf(String migration, boolean inTransaction) {
        String sql = migration.replaceAll("--.*", " ").replaceAll("\\s+", " ").strip();
        List<String> problems = new ArrayList<>();
        Set<String> created = new HashSet<>();
        CREATE_TABLE.matcher(sql).results().forEach(table -> created.add(table.group(1)));
        if (NAMES_A_SCHEMA.matcher(sql).find()) {
            problems.add("names a schema");
        }
        ALTER_TABLE
                .matcher(sql)
                .results()
                .filter(alter -> ADDS_A_CONSTRAINT.matcher(alter.group(2)).find() && hasSeveralChanges(alter))
                .forEach(alter -> problems.add(alter.group(1) + ": add constraint in an alter table of its own"));
        ALTER_TABLE
                .matcher(sql)
                .results()
                .filter(alter -> !created.contains(alter.group(1)))
                .forEach(alter -> {
                    String table = alter.group(1);
                    if (hasSeveralChanges(alter)) {
                        problems.add(table + ": one change per alter table");
                    }
                    if (REWRITES_OR_SCANS.matcher(alter.group(2)).find()) {
                        problems.add(table + ": rewrites or scans the table");
                    }
                    if (!sql.contains("lock_not_available")) {
                        problems.add(table + ": waits for its lock only once");
                    }
                });
        CREATE_INDEX
                .matcher(sql)
                .results()
                .filter(index -> !created.contains(index.group(3)))
                .forEach(index -> problems.addAll(problemsOf(index, sql)));
        if (DROP_INDEX.matcher(sql).results().anyMatch(drop -> drop.group(1) == null)) {
            problems.add("drop index concurrently");
        }
        if (inTransaction && sql.contains(" concurrently ")) {
            problems.add("concurrently needs executeInTransaction=false");
        }
        if (LOCKS_A_TABLE.matcher(sql).find()) {
            problems.add("locks a whole table");
        }
        return problems;
    }

    private static boolean hasSeveralChanges(MatchResult alter) {
        String changes = alter.group(2);
        // From the inside out, because parentheses may be nested.
        for (String before = ""; !before.equals(changes); ) {
            before = changes;
            changes = changes.replaceAll("\\([^()]*\\)", "");
        }
        return changes.contains(",");
    }

    private static List<String> problemsOf(MatchResult index, String sql) {
        if (index.group(1) == null) {
            return List.of(index.group(3) + ": create index concurrently");
        }
        String repeatable = "drop index concurrently if exists " + index.group(2) + ";";
        return sql.substring(0, index.start()).contains(repeatable)
                ? List.of()
                : List.of(index.group(2) + ": drop index concurrently if exists first");
    }
}
