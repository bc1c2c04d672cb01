package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What no SQL in the code may contain. MigrationFilesTest has the rules for migrations. */
class SqlTest {
    /**
     * A schema: two installations may share a database, each with a search path of its own. And a query without
     * columns, which only PostgreSQL itself understands.
     */
    private static final Pattern FORBIDDEN =
            Pattern.compile("(?i)\\bpublic\\.[a-z]|\\bset (?:local )?search_path|\\bselect\\s+from\\b|\\(select\\)");

    @Test
    void namesNoSchemaAndSelectsColumns() throws IOException {
        try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
            List<Path> sources =
                    files.filter(file -> file.toString().endsWith(".java")).toList();

            assertThat(sources)
                    .hasSizeGreaterThan(100)
                    .allSatisfy(source -> assertThat(Files.readString(source)).doesNotContainPattern(FORBIDDEN));
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "exists (select from users)",
                "select\n    from users",
                "from (select) always",
                "from public.users",
                "set local search_path = shop"
            })
    void objectsTo(String sql) {
        assertThat(sql).containsPattern(FORBIDDEN);
    }
}
