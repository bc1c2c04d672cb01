package dev.oms;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeFalse;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.TreeSet;
import java.util.jar.JarFile;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** The SBOM in the packaged application lists the libraries in {@code lib}, no more and no less. */
class SbomIT {
    private static final String SBOM = "META-INF/sbom/oms.cdx.json";
    private static final Path APPLICATION = Path.of("target/quarkus-app");

    /** Its files are unpacked into the console's folder; its jar is not packaged. */
    private static final String UNPACKED = "org.webjars.npm.uplot";

    /** Quarkus needs it in dev mode only and does not package it; Maven cannot know. */
    private static final String LEFT_OUT = "io.quarkus.quarkus-ide-launcher";

    private static JsonNode sbom;

    @BeforeAll
    static void read() throws IOException {
        assumeTrue(
                System.getProperty("native.image.path") == null, "the libraries of a native binary cannot be listed");
        Path jar;
        try (Stream<Path> jars = Files.list(APPLICATION.resolve("app"))) {
            jar = jars.filter(file -> file.toString().endsWith(".jar"))
                    .findFirst()
                    .orElseThrow();
        }
        try (JarFile application = new JarFile(jar.toFile())) {
            // Maven skips the plugin when offline (-o).
            assumeFalse(
                    application.getEntry(SBOM) == null && System.getenv("CI") == null,
                    "no " + SBOM + " in " + jar + ", perhaps because it was built offline");
            assertThat(application.getEntry(SBOM)).as(SBOM + " in " + jar).isNotNull();
            try (InputStream in = application.getInputStream(application.getEntry(SBOM))) {
                sbom = new ObjectMapper().readTree(in);
            }
        }
    }

    @Test
    void describesThisApplication() {
        assertThat(sbom.path("bomFormat").asText()).isEqualTo("CycloneDX");
        assertThat(sbom.at("/metadata/component/purl").asText()).startsWith("pkg:maven/dev.oms/oms@");
        assertThat(sbom.at("/metadata/component/licenses/0/license/id").asText())
                .isEqualTo("Apache-2.0");
    }

    @Test
    void listsExactlyTheLibrariesThatArePackaged() throws IOException {
        Set<String> expected = new TreeSet<>();
        for (String directory : Set.of("lib/boot", "lib/main")) {
            try (Stream<Path> jars = Files.list(APPLICATION.resolve(directory))) {
                jars.map(jar -> jar.getFileName().toString().replaceFirst("\\.jar$", ""))
                        .forEach(expected::add);
            }
        }

        Set<String> listed = sbom.path("components")
                .valueStream()
                .filter(component -> !nameOf(component).equals(LEFT_OUT))
                .map(SbomIT::fileOf)
                .collect(Collectors.toCollection(TreeSet::new));

        assertThat(expected).isNotEmpty();
        assertThat(listed).filteredOn(file -> file.startsWith(UNPACKED)).hasSize(1);
        assertThat(listed).filteredOn(file -> !file.startsWith(UNPACKED)).containsExactlyElementsOf(expected);
    }

    private static String nameOf(JsonNode component) {
        return component.path("group").asText() + "." + component.path("name").asText();
    }

    /** How Quarkus names the jar of a component, without the ending; no component of OMS has a classifier. */
    private static String fileOf(JsonNode component) {
        return nameOf(component) + "-" + component.path("version").asText();
    }
}
