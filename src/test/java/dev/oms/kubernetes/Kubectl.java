package dev.oms.kubernetes;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The kubectl on the PATH. */
final class Kubectl {
    // The first release with kustomize 5.
    private static final int OLDEST_MINOR = 27;

    private static final Path DIRECTORY = Path.of("src/main/kubernetes");

    private Kubectl() {}

    static boolean isNewEnough() throws InterruptedException {
        try {
            String version = new ObjectMapper()
                    .readTree(run("kubectl", "version", "--client", "--output=json")
                            .out())
                    .at("/clientVersion/gitVersion")
                    .asText();
            Matcher minor = Pattern.compile("v1\\.(\\d+)\\..*").matcher(version);
            return minor.matches() && Integer.parseInt(minor.group(1)) >= OLDEST_MINOR;
        } catch (IOException e) {
            // kubectl is not installed.
            return false;
        }
    }

    /** The YAML that {@code kubectl apply -k} would apply. Fails if kubectl prints a warning. */
    static String kustomize(String directory) throws IOException, InterruptedException {
        Run run = run("kubectl", "kustomize", DIRECTORY.resolve(directory).toString());
        assertThat(run.err()).isEmpty();
        assertThat(run.exitCode()).isZero();
        return run.out();
    }

    private record Run(int exitCode, String out, String err) {}

    private static Run run(String... command) throws IOException, InterruptedException {
        Path err = Files.createTempFile("kubectl", ".err");
        try {
            Process process =
                    new ProcessBuilder(command).redirectError(err.toFile()).start();
            process.getOutputStream().close();
            String out = new String(process.getInputStream().readAllBytes());
            assertThat(process.waitFor(1, TimeUnit.MINUTES)).isTrue();
            return new Run(process.exitValue(), out, Files.readString(err));
        } finally {
            Files.delete(err);
        }
    }
}
