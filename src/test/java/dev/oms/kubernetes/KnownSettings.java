package dev.oms.kubernetes;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaCodeUnit;
import com.tngtech.archunit.core.domain.JavaParameter;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import io.smallrye.config.ConfigMapping;
import io.smallrye.config.ConfigMappings;
import io.smallrye.config.ConfigMappings.ConfigClass;
import io.smallrye.config.common.utils.StringUtil;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collections;
import java.util.HashSet;
import java.util.Locale;
import java.util.Properties;
import java.util.Set;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.eclipse.microprofile.config.inject.ConfigProperty;

/** The settings that OMS reads, collected from its code, application.properties and the metadata of Quarkus. */
final class KnownSettings {
    private static final Pattern PROFILE = Pattern.compile("%\\w+\\.");
    private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Z0-9_]+)[:}]");

    private final Properties properties = new Properties();

    KnownSettings() throws IOException {
        try (InputStream in = Files.newInputStream(Path.of("src/main/resources/application.properties"))) {
            properties.load(new InputStreamReader(in, StandardCharsets.UTF_8));
        }
    }

    /** The value in application.properties for a role's profile, whose parent is prod. */
    String of(String role, String name) {
        return properties.getProperty(
                "%" + role + "." + name, properties.getProperty("%prod." + name, properties.getProperty(name)));
    }

    /** The environment variables that a packaged OMS reads. */
    Set<String> environmentVariables() throws IOException {
        Set<String> variables = new HashSet<>(ofQuarkus());
        Set<String> names = ofOms();
        for (String key : properties.stringPropertyNames()) {
            names.add(PROFILE.matcher(key).replaceFirst(""));
            VARIABLE.matcher(properties.getProperty(key)).results().forEach(found -> variables.add(found.group(1)));
        }
        names.stream()
                .filter(name -> name.startsWith("oms."))
                .map(name ->
                        StringUtil.replaceNonAlphanumericByUnderscores(name).toUpperCase(Locale.ROOT))
                .forEach(variables::add);
        return variables;
    }

    private static Set<String> ofOms() {
        JavaClasses classes = new ClassFileImporter()
                .withImportOption(new ImportOption.DoNotIncludeTests())
                .importPackages("dev.oms");
        Set<String> names = new HashSet<>();
        for (JavaClass type : classes) {
            if (type.isAnnotatedWith(ConfigMapping.class)) {
                names.addAll(ConfigMappings.getProperties(ConfigClass.configClass(type.reflect()))
                        .keySet());
            }
            for (JavaCodeUnit method : type.getCodeUnits()) {
                for (JavaParameter parameter : method.getParameters()) {
                    parameter
                            .tryGetAnnotationOfType(ConfigProperty.class)
                            .ifPresent(property -> names.add(property.name()));
                }
            }
        }
        return names;
    }

    /** From the metadata that every extension includes; only settings that are read at run time. */
    private static Set<String> ofQuarkus() throws IOException {
        Set<String> variables = new HashSet<>();
        for (URL model : Collections.list(KnownSettings.class
                .getClassLoader()
                .getResources("META-INF/quarkus-config-doc/quarkus-config-model.json"))) {
            try (InputStream in = model.openStream()) {
                for (JsonNode property : new ObjectMapper().readTree(in).findParents("phase")) {
                    if (property.path("phase").asText().equals("RUN_TIME")) {
                        variables.add(property.at("/path/environmentVariable").asText());
                    }
                }
            }
        }
        return variables.stream().filter(name -> name.startsWith("QUARKUS_")).collect(Collectors.toSet());
    }
}
