package dev.oms.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.datatype.jsr310.JavaTimeModule;
import dev.oms.OmsServers;
import dev.oms.Shop;
import dev.oms.process.Child;
import io.quarkus.test.common.WithTestResource;
import io.quarkus.test.junit.QuarkusTest;
import io.restassured.RestAssured;
import jakarta.annotation.Nullable;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Clients that openapi-generator makes of {@code openapi.yaml} compile, and place an order. The profile {@code full}
 * fetches the generator; what the clients do is in {@code src/test/clients}.
 */
@Tag("full")
@QuarkusTest
@WithTestResource(OmsServers.class)
class GeneratedClientsTest {
    private static final Path GENERATOR = Path.of("target/tools/openapi-generator-cli.jar");
    private static final Path SOURCES = Path.of("src/test/clients").toAbsolutePath();
    private static final Path TSC = Path.of("k6/node_modules/.bin/tsc").toAbsolutePath();
    private static final Path JDK = Path.of(System.getProperty("java.home"), "bin");

    @TempDir
    Path directory;

    private final String item = Shop.uniqueName();
    private String user;

    @BeforeEach
    void stock() {
        user = Long.toString(Shop.user());
        Shop.item(item, 10, 0);
    }

    @Test
    void java() throws Exception {
        generate("java", "--library=native", "--additional-properties=useJakartaEe=true,openApiNullable=false");
        String classPath = Stream.of(
                        ObjectMapper.class, JsonFactory.class, JsonInclude.class, JavaTimeModule.class, Nullable.class)
                .map(GeneratedClientsTest::jarOf)
                .collect(Collectors.joining(File.pathSeparator));
        List<String> javac = new ArrayList<>(
                List.of(JDK.resolve("javac").toString(), "-proc:none", "-d", "classes", "-classpath", classPath));
        try (Stream<Path> files = Files.walk(directory.resolve("client/src/main/java"))) {
            files.map(Path::toString).filter(file -> file.endsWith(".java")).forEach(javac::add);
        }
        javac.add(SOURCES.resolve("PlaceOrder.java").toString());
        run(javac.toArray(String[]::new));

        assertPlacesAnOrder(run(
                JDK.resolve("java").toString(),
                "-classpath",
                directory.resolve("classes") + File.pathSeparator + classPath,
                "PlaceOrder",
                RestAssured.baseURI + ":" + RestAssured.port,
                user,
                item));
    }

    @Test
    void typeScript() throws Exception {
        assumeTrue(Child.find("node").isPresent(), "There is no node on the PATH.");
        assumeTrue(Files.isExecutable(TSC), "There is no tsc in k6; run npm ci there.");
        generate("typescript-fetch");
        Files.copy(SOURCES.resolve("place-order.ts"), directory.resolve("place-order.ts"));
        run(
                TSC.toString(),
                "--strict",
                "--target",
                "es2022",
                "--lib",
                "es2022,dom",
                "--module",
                "commonjs",
                "--outDir",
                "js",
                "place-order.ts");

        assertPlacesAnOrder(run("node", "js/place-order.js", RestAssured.baseURI + ":" + RestAssured.port, user, item));
    }

    private void assertPlacesAnOrder(String output) {
        assertThat(output).matches("Order \\d+ is Confirmed: %s -2, reason null\\R".formatted(item));
    }

    private void generate(String generator, String... options) throws Exception {
        List<String> command = new ArrayList<>(
                List.of(
                        JDK.resolve("java").toString(),
                        "-jar",
                        GENERATOR.toAbsolutePath().toString(),
                        "generate",
                        "--generator-name=" + generator,
                        "--input-spec="
                                + Path.of("src/main/resources/META-INF/openapi.yaml")
                                        .toAbsolutePath(),
                        "--output=client",
                        "--global-property=apis,models,supportingFiles,apiDocs=false,modelDocs=false,apiTests=false,modelTests=false"));
        command.addAll(Arrays.asList(options));
        run(command.toArray(String[]::new));
    }

    /** Runs a program in the directory to its end, which must be a good one. Returns what it printed. */
    private String run(String... command) throws IOException, InterruptedException {
        Path log = Files.createTempFile(directory, "", ".log");
        ProcessBuilder builder = new ProcessBuilder(command)
                .directory(directory.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile());
        // Not what a CI server sets for its own tools.
        builder.environment().keySet().removeAll(List.of("JAVA_TOOL_OPTIONS", "NODE_OPTIONS"));
        Process process = builder.start();
        boolean ended = process.waitFor(5, TimeUnit.MINUTES);
        process.destroyForcibly().waitFor();
        String output = Files.readString(log);
        assertThat(ended).as("%s ends%n%s", String.join(" ", command), output).isTrue();
        assertThat(process.exitValue())
                .as("%s%n%s", String.join(" ", command), output)
                .isZero();
        return output;
    }

    private static String jarOf(Class<?> type) {
        return Path.of(java.net.URI.create(
                        type.getProtectionDomain().getCodeSource().getLocation().toString()))
                .toString();
    }
}
